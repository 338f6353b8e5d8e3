#!/bin/sh
# Workers of a queue as a job array of Slurm: eight tasks, each until no photo is left.
#   export FCT_GALLERY=postgresql://facet@db.example.org/faces     (the password in ~/.pgpass)
#   facet queue add /shared/photos
#   sbatch --export=ALL slurm-array.sh
# A task that ends before its time takes nothing along: its photos come back when its lease ends. SIGTERM comes
# 60 s before the time limit, so that the photo at hand is finished and the rest given back.
#SBATCH --job-name=facet
#SBATCH --array=1-8
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@60
#SBATCH --requeue
exec "${FACET:-facet}" worker --threads "${SLURM_CPUS_PER_TASK:-1}" ${FACET_OPTIONS:-}
