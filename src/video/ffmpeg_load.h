/* FFmpeg's libraries, loaded when the first video is opened. They bring a hundred
 * others; a program that analyzes photos should neither wait for those nor need
 * them to be installed.
 *
 * Code that includes this calls the functions by their own names, after
 * fct_ffmpeg_load(). Each that is used stands in a list and has a #define below: a
 * call of another one does not link. */
#ifndef FCT_VIDEO_FFMPEG_LOAD_H
#define FCT_VIDEO_FFMPEG_LOAD_H

#include "facet/base.h"
#include "base/compiler.h"
#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

/* Loads all but libavdevice and silences FFmpeg's log, which would print addresses
 * with passwords. Thread-safe; once loaded it costs a lock. name: of what needs
 * it, for the text. FCT_ERR_UNSUPPORTED where a library is missing. */
fct_status fct_ffmpeg_load(const char *name, fct_error *err);

/* libavdevice as well, which is for cameras and brings eighty more. */
fct_status fct_ffmpeg_load_devices(const char *name, fct_error *err);

/* ---- The functions that are used ---------------------------------------------------- */

/* Where the side data of a stream are has changed in FFmpeg 6.1. */
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
#define FCT_AVCODEC_SIDE(X) X(av_packet_side_data_get)
#define FCT_AVFORMAT_SIDE(X)
#else
#define FCT_AVCODEC_SIDE(X)
#define FCT_AVFORMAT_SIDE(X) X(av_stream_get_side_data)
#endif

/* clang-format off */
#define FCT_AVUTIL(X) \
    X(av_asprintf) X(av_d2q) X(av_dict_free) X(av_dict_get) X(av_dict_set) X(av_display_rotation_get) \
    X(av_frame_alloc) X(av_frame_copy_props) X(av_frame_free) X(av_frame_get_buffer) \
    X(av_frame_make_writable) X(av_frame_move_ref) X(av_frame_unref) X(av_free) \
    X(av_hwdevice_ctx_create) X(av_hwframe_transfer_data) X(av_image_copy) X(av_log_set_level) \
    X(av_opt_set) X(av_strerror)
#define FCT_AVCODEC(X) \
    X(av_packet_alloc) X(av_packet_free) X(av_packet_rescale_ts) X(av_packet_unref) \
    X(avcodec_alloc_context3) X(avcodec_default_get_format) X(avcodec_find_decoder) \
    X(avcodec_find_encoder) X(avcodec_find_encoder_by_name) X(avcodec_free_context) \
    X(avcodec_get_hw_config) X(avcodec_get_name) X(avcodec_open2) X(avcodec_parameters_from_context) \
    X(avcodec_parameters_to_context) X(avcodec_receive_frame) X(avcodec_receive_packet) \
    X(avcodec_send_frame) X(avcodec_send_packet) FCT_AVCODEC_SIDE(X)
#define FCT_AVFORMAT(X) \
    X(av_find_best_stream) X(av_find_input_format) X(av_interleaved_write_frame) X(av_read_frame) \
    X(av_write_trailer) X(avformat_alloc_context) X(avformat_alloc_output_context2) \
    X(avformat_close_input) X(avformat_find_stream_info) X(avformat_free_context) \
    X(avformat_new_stream) X(avformat_open_input) X(avformat_write_header) X(avio_closep) \
    X(avio_open) FCT_AVFORMAT_SIDE(X)
#define FCT_SWSCALE(X) \
    X(sws_freeContext) X(sws_getCachedContext) X(sws_getCoefficients) X(sws_scale) \
    X(sws_setColorspaceDetails)
/* clang-format on */
#define FCT_AVDEVICE(X) X(avdevice_free_list_devices) X(avdevice_list_input_sources) X(avdevice_register_all)

#define FCT_POINTER(f) extern FCT_TYPE_OF(f) * fct_##f;
FCT_AVUTIL(FCT_POINTER)
FCT_AVCODEC(FCT_POINTER)
FCT_AVFORMAT(FCT_POINTER)
FCT_SWSCALE(FCT_POINTER)
FCT_AVDEVICE(FCT_POINTER)
#undef FCT_POINTER

#define av_asprintf                     fct_av_asprintf
#define av_d2q                          fct_av_d2q
#define av_dict_free                    fct_av_dict_free
#define av_dict_get                     fct_av_dict_get
#define av_dict_set                     fct_av_dict_set
#define av_display_rotation_get         fct_av_display_rotation_get
#define av_find_best_stream             fct_av_find_best_stream
#define av_find_input_format            fct_av_find_input_format
#define av_frame_alloc                  fct_av_frame_alloc
#define av_frame_copy_props             fct_av_frame_copy_props
#define av_frame_free                   fct_av_frame_free
#define av_frame_get_buffer             fct_av_frame_get_buffer
#define av_frame_make_writable          fct_av_frame_make_writable
#define av_frame_move_ref               fct_av_frame_move_ref
#define av_frame_unref                  fct_av_frame_unref
#define av_free                         fct_av_free
#define av_hwdevice_ctx_create          fct_av_hwdevice_ctx_create
#define av_hwframe_transfer_data        fct_av_hwframe_transfer_data
#define av_image_copy                   fct_av_image_copy
#define av_interleaved_write_frame      fct_av_interleaved_write_frame
#define av_log_set_level                fct_av_log_set_level
#define av_opt_set                      fct_av_opt_set
#define av_packet_alloc                 fct_av_packet_alloc
#define av_packet_free                  fct_av_packet_free
#define av_packet_rescale_ts            fct_av_packet_rescale_ts
#define av_packet_side_data_get         fct_av_packet_side_data_get
#define av_packet_unref                 fct_av_packet_unref
#define av_read_frame                   fct_av_read_frame
#define av_stream_get_side_data         fct_av_stream_get_side_data
#define av_strerror                     fct_av_strerror
#define av_write_trailer                fct_av_write_trailer
#define avcodec_alloc_context3          fct_avcodec_alloc_context3
#define avcodec_default_get_format      fct_avcodec_default_get_format
#define avcodec_find_decoder            fct_avcodec_find_decoder
#define avcodec_find_encoder            fct_avcodec_find_encoder
#define avcodec_find_encoder_by_name    fct_avcodec_find_encoder_by_name
#define avcodec_free_context            fct_avcodec_free_context
#define avcodec_get_hw_config           fct_avcodec_get_hw_config
#define avcodec_get_name                fct_avcodec_get_name
#define avcodec_open2                   fct_avcodec_open2
#define avcodec_parameters_from_context fct_avcodec_parameters_from_context
#define avcodec_parameters_to_context   fct_avcodec_parameters_to_context
#define avcodec_receive_frame           fct_avcodec_receive_frame
#define avcodec_receive_packet          fct_avcodec_receive_packet
#define avcodec_send_frame              fct_avcodec_send_frame
#define avcodec_send_packet             fct_avcodec_send_packet
#define avdevice_free_list_devices      fct_avdevice_free_list_devices
#define avdevice_list_input_sources     fct_avdevice_list_input_sources
#define avdevice_register_all           fct_avdevice_register_all
#define avformat_alloc_context          fct_avformat_alloc_context
#define avformat_alloc_output_context2  fct_avformat_alloc_output_context2
#define avformat_close_input            fct_avformat_close_input
#define avformat_find_stream_info       fct_avformat_find_stream_info
#define avformat_free_context           fct_avformat_free_context
#define avformat_new_stream             fct_avformat_new_stream
#define avformat_open_input             fct_avformat_open_input
#define avformat_write_header           fct_avformat_write_header
#define avio_closep                     fct_avio_closep
#define avio_open                       fct_avio_open
#define sws_freeContext                 fct_sws_freeContext
#define sws_getCachedContext            fct_sws_getCachedContext
#define sws_getCoefficients             fct_sws_getCoefficients
#define sws_scale                       fct_sws_scale
#define sws_setColorspaceDetails        fct_sws_setColorspaceDetails

#endif
