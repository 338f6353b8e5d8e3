/* libpq, loaded when the first address of a server is opened: it brings some twenty
 * other libraries along, which a program that only analyzes pictures should not pay
 * at every start. Its functions have their own names here. */
#ifndef FCT_POSTGRES_PG_LOAD_H
#define FCT_POSTGRES_PG_LOAD_H

#include "facet/base.h"
#include <libpq-fe.h>

typedef struct fct_pq_functions {
    int (*PQcancel)(PGcancel *cancel, char *errbuf, int errbufsize);
    void (*PQclear)(PGresult *res);
    char *(*PQcmdStatus)(PGresult *res);
    PGconn *(*PQconnectdbParams)(const char *const *keywords, const char *const *values, int expand_dbname);
    void (*PQconninfoFree)(PQconninfoOption *connOptions);
    PQconninfoOption *(*PQconninfoParse)(const char *conninfo, char **errmsg);
    char *(*PQerrorMessage)(const PGconn *conn);
    PGresult *(*PQexec)(PGconn *conn, const char *query);
    int (*PQfformat)(const PGresult *res, int field_num);
    void (*PQfinish)(PGconn *conn);
    void (*PQfreeCancel)(PGcancel *cancel);
    void (*PQfreemem)(void *ptr);
    Oid (*PQftype)(const PGresult *res, int field_num);
    PGcancel *(*PQgetCancel)(PGconn *conn);
    PGresult *(*PQgetResult)(PGconn *conn);
    int (*PQgetisnull)(const PGresult *res, int tup_num, int field_num);
    int (*PQgetlength)(const PGresult *res, int tup_num, int field_num);
    char *(*PQgetvalue)(const PGresult *res, int tup_num, int field_num);
    int (*PQnfields)(const PGresult *res);
    int (*PQntuples)(const PGresult *res);
    const char *(*PQparameterStatus)(const PGconn *conn, const char *paramName);
    PGPing (*PQpingParams)(const char *const *keywords, const char *const *values, int expand_dbname);
    PGresult *(*PQprepare)(PGconn *conn, const char *stmtName, const char *query, int nParams, const Oid *paramTypes);
    char *(*PQresultErrorField)(const PGresult *res, int fieldcode);
    ExecStatusType (*PQresultStatus)(const PGresult *res);
    int (*PQsendQueryPrepared)(PGconn *conn, const char *stmtName, int nParams, const char *const *paramValues,
                               const int *paramLengths, const int *paramFormats, int resultFormat);
    int (*PQserverVersion)(const PGconn *conn);
    PQnoticeReceiver (*PQsetNoticeReceiver)(PGconn *conn, PQnoticeReceiver proc, void *arg);
    int (*PQsetSingleRowMode)(PGconn *conn);
    ConnStatusType (*PQstatus)(const PGconn *conn);
    PGTransactionStatusType (*PQtransactionStatus)(const PGconn *conn);
} fct_pq_functions;
extern fct_pq_functions fct_pq;

/* Loads it where that was not done yet. FCT_ERR_UNSUPPORTED, naming what to install,
 * where it is not there. Thread-safe. */
fct_status fct_pq_load(fct_error *err);

#ifndef FCT_PQ_PLAIN
#define PQcancel            fct_pq.PQcancel
#define PQclear             fct_pq.PQclear
#define PQcmdStatus         fct_pq.PQcmdStatus
#define PQconnectdbParams   fct_pq.PQconnectdbParams
#define PQconninfoFree      fct_pq.PQconninfoFree
#define PQconninfoParse     fct_pq.PQconninfoParse
#define PQerrorMessage      fct_pq.PQerrorMessage
#define PQexec              fct_pq.PQexec
#define PQfformat           fct_pq.PQfformat
#define PQfinish            fct_pq.PQfinish
#define PQfreeCancel        fct_pq.PQfreeCancel
#define PQfreemem           fct_pq.PQfreemem
#define PQftype             fct_pq.PQftype
#define PQgetCancel         fct_pq.PQgetCancel
#define PQgetResult         fct_pq.PQgetResult
#define PQgetisnull         fct_pq.PQgetisnull
#define PQgetlength         fct_pq.PQgetlength
#define PQgetvalue          fct_pq.PQgetvalue
#define PQnfields           fct_pq.PQnfields
#define PQntuples           fct_pq.PQntuples
#define PQparameterStatus   fct_pq.PQparameterStatus
#define PQpingParams        fct_pq.PQpingParams
#define PQprepare           fct_pq.PQprepare
#define PQresultErrorField  fct_pq.PQresultErrorField
#define PQresultStatus      fct_pq.PQresultStatus
#define PQsendQueryPrepared fct_pq.PQsendQueryPrepared
#define PQserverVersion     fct_pq.PQserverVersion
#define PQsetNoticeReceiver fct_pq.PQsetNoticeReceiver
#define PQsetSingleRowMode  fct_pq.PQsetSingleRowMode
#define PQstatus            fct_pq.PQstatus
#define PQtransactionStatus fct_pq.PQtransactionStatus
#endif

#endif
