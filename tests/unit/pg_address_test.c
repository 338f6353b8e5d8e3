/* Addresses of servers: what is one, what is shown of it, and that a server elsewhere must prove who it is. */
#include "test.h"
#include "postgres/pg_address.h"

static fct_error e;
static fct_pg_address a;

static const char *value(const char *key) {
    for (int i = 0; i < a.n; i++)
        if (strcmp(a.keys[i], key) == 0) return a.values[i];
    return NULL;
}

/* Parses text, with only these of libpq's variables in the environment. */
static void parse(const char *text) {
    fct_pg_address_free(&a);
    if (fct_pg_address_parse(text, &a, &e)) {
        printf("%s: %s\n", text, e.text);
        test_failures++;
    }
}

static void clear_environment(void) {
    static const char *const names[] = {"PGHOST",        "PGHOSTADDR", "PGSSLMODE",
                                        "PGSSLROOTCERT", "PGSERVICE",  "PGDATABASE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

TEST(what_is_an_address) {
    static const char *const yes[] = {"postgresql://",  "postgres://h/d", "host=h dbname=d",
                                      "dbname = faces", "service=x",      "user=facet"};
    static const char *const no[] = {
        "gallery.db", "./host=h", "/host=h", "hosts=h", "postgresql:", "host", "a b=c", "", "http://h/d"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) CHECK_MSG(fct_pg_is_address(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) CHECK_MSG(!fct_pg_is_address(no[i]), "%s", no[i]);
}

/* Wherever a password is written, no text repeats it. */
TEST(passwords_are_never_shown) {
    static const char *const texts[] = {
        "postgresql://ada:s3cret@db/faces",        "postgresql://ada:s3cret@db:99999999/faces",
        "postgresql://db/faces?password=s3cret",   "postgresql://db/faces?password=s3cret&nonsense=1",
        "postgresql://ada:s3cret%zz@db/faces",     "postgresql://ada:p@s3cret@db/faces",
        "postgresql://ada:s3cret/@db/faces",       "postgresql://ada:s3cret?@db/faces",
        "postgresql://ada:s3cret@[::1/faces",      "host=db password=s3cret dbname=faces",
        "host=db password='s3cret dbname=faces",   "password=s3cret= nonsense=1",
        "host=db password=s3cret schema=Bad-Name", "postgresql://ada:s3cret@db/faces?schema=UPPER"};
    clear_environment();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char shown[200];
        fct_pg_address_show(texts[i], shown, sizeof shown);
        CHECK_MSG(!strstr(shown, "s3cret"), "%s: %s", texts[i], shown);
        fct_pg_address_free(&a);
        e.text[0] = 0;
        if (fct_pg_address_parse(texts[i], &a, &e)) CHECK_MSG(!strstr(e.text, "s3cret"), "%s: %s", texts[i], e.text);
        else CHECK_MSG(!strstr(a.place, "s3cret"), "%s: %s", texts[i], a.place);
    }
    fct_pg_address_free(&a);
}

TEST(places_and_schemas) {
    clear_environment();
    parse("postgresql://ada:x@db.example.org/faces");
    CHECK_MSG(!strcmp(a.place, "postgresql://db.example.org/faces") && !strcmp(a.schema, "facet"), "%s", a.place);
    parse("postgresql://db:5433/faces?schema=office&connect_timeout=3");
    CHECK_MSG(!strcmp(a.place, "postgresql://db:5433/faces (schema office)"), "%s", a.place);
    CHECK(!strcmp(a.schema, "office") && !strcmp(value("connect_timeout"), "3") && !value("schema"));
    parse("postgresql://db/faces?schema=office");
    CHECK(!strcmp(a.schema, "office") && !strcmp(value("dbname"), "faces"));
    parse("host=/run/postgresql dbname=faces schema=a1_b user=u");
    CHECK(!strcmp(a.schema, "a1_b") && !strcmp(a.place, "postgresql:///faces (schema a1_b)") &&
          !strcmp(value("user"), "u"));
    fct_pg_address_free(&a);
    CHECK(fct_pg_address_parse("postgresql://db/faces?schema=", &a, &e) == FCT_ERR_ARG);
    fct_pg_address_free(&a);
}

/* libpq's own default takes anybody for the server. */
TEST(remote_servers_prove_who_they_are) {
    static const char *const local[] = {"postgresql:///faces",      "postgresql://localhost/faces",
                                        "postgresql://127.0.0.1/f", "postgresql://[::1]/faces",
                                        "host=/tmp dbname=faces",   "postgresql:///f?host=/run/x",
                                        "host=localhost,127.0.0.1"};
    static const char *const remote[] = {"postgresql://db/faces", "host=localhost,db",
                                         "hostaddr=10.0.0.1 host=localhost", "service=faces"};
    clear_environment();
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        parse(local[i]);
        CHECK_MSG(!value("sslmode") && !a.verified, "%s", local[i]);
    }
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++) {
        parse(remote[i]);
        CHECK_MSG(value("sslmode") && !strcmp(value("sslmode"), "verify-full") && a.verified, "%s", remote[i]);
    }
    parse("postgresql://db/faces?sslmode=require");
    CHECK(!strcmp(value("sslmode"), "require") && !a.verified);
    setenv("PGHOST", "db", 1);
    parse("dbname=faces");
    CHECK(value("sslmode") && !strcmp(value("sslmode"), "verify-full"));
    setenv("PGSSLMODE", "disable", 1);
    parse("dbname=faces");
    CHECK(!value("sslmode"));
    clear_environment();
    fct_pg_address_free(&a);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
