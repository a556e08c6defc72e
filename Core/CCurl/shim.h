#pragma once
#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo are variadic, which Swift does not import.

static inline CURLcode curl_begin(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
static inline CURLcode curl_set_long(CURL *h, CURLoption o, long value) { return curl_easy_setopt(h, o, value); }
static inline CURLcode curl_set_text(CURL *h, CURLoption o, const char *value) { return curl_easy_setopt(h, o, value); }
static inline CURLcode curl_set_pointer(CURL *h, CURLoption o, void *value) { return curl_easy_setopt(h, o, value); }

typedef size_t (*curl_sink)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode curl_set_sink(CURL *h, CURLoption o, curl_sink sink) { return curl_easy_setopt(h, o, sink); }

/// Which schemes a request, or (`redirects`) a redirection, may use: "https" or "http,https".
static inline CURLcode curl_set_schemes(CURL *h, int redirects, const char *names, long bits) {
#if LIBCURL_VERSION_NUM >= 0x075500
  (void)bits;
  return curl_easy_setopt(h, redirects ? CURLOPT_REDIR_PROTOCOLS_STR : CURLOPT_PROTOCOLS_STR, names);
#else
  (void)names;
  return curl_easy_setopt(h, redirects ? CURLOPT_REDIR_PROTOCOLS : CURLOPT_PROTOCOLS, bits);
#endif
}
static inline long curl_scheme_bits(int https, int http, int file) {
  return (https ? CURLPROTO_HTTPS : 0) | (http ? CURLPROTO_HTTP : 0) | (file ? CURLPROTO_FILE : 0);
}

static inline long curl_status(CURL *h) {
  long code = 0;
  curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &code);
  return code;
}
static inline long long curl_content_length(CURL *h) {
  curl_off_t length = -1;
  curl_easy_getinfo(h, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length;
}
static inline const char *curl_content_type(CURL *h) {
  char *text = NULL;
  curl_easy_getinfo(h, CURLINFO_CONTENT_TYPE, &text);
  return text;
}
