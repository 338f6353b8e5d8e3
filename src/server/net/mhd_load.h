/* libmicrohttpd, loaded when a server starts: with GnuTLS behind it, it brings a
 * dozen libraries that no other command needs. Code that includes this calls the
 * functions by their own names, after srv_mhd_load(). What is not in the list does
 * not link. */
#ifndef FCT_SERVER_MHD_LOAD_H
#define FCT_SERVER_MHD_LOAD_H

#include <microhttpd.h>

#include "base/compiler.h"

#include <stdbool.h>

/* clang-format off */
#define SRV_MHD(X) \
    X(MHD_add_connection) X(MHD_add_response_header) X(MHD_create_response_from_buffer_with_free_callback) \
    X(MHD_create_response_from_callback) X(MHD_destroy_response) X(MHD_get_connection_info) \
    X(MHD_get_connection_values) X(MHD_queue_response) X(MHD_resume_connection) X(MHD_start_daemon) \
    X(MHD_stop_daemon) X(MHD_suspend_connection)
/* clang-format on */

/* False where libmicrohttpd is not installed. Of one thread at a time. */
bool srv_mhd_load(void);

#define SRV_POINTER(f) extern FCT_TYPE_OF(f) * srv_##f;
SRV_MHD(SRV_POINTER)
#undef SRV_POINTER

#define MHD_add_connection                                 srv_MHD_add_connection
#define MHD_add_response_header                            srv_MHD_add_response_header
#define MHD_create_response_from_buffer_with_free_callback srv_MHD_create_response_from_buffer_with_free_callback
#define MHD_create_response_from_callback                  srv_MHD_create_response_from_callback
#define MHD_destroy_response                               srv_MHD_destroy_response
#define MHD_get_connection_info                            srv_MHD_get_connection_info
#define MHD_get_connection_values                          srv_MHD_get_connection_values
#define MHD_queue_response                                 srv_MHD_queue_response
#define MHD_resume_connection                              srv_MHD_resume_connection
#define MHD_start_daemon                                   srv_MHD_start_daemon
#define MHD_stop_daemon                                    srv_MHD_stop_daemon
#define MHD_suspend_connection                             srv_MHD_suspend_connection

#endif
