#include "transfer/curl_handle.h"

namespace authmilter {

CurlHandle make_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  return CurlHandle(code == CURLE_OK ? curl_easy_init() : nullptr);
}

}  // namespace authmilter
