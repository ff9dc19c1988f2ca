#pragma once

#include <curl/curl.h>

#include <string>

#include "base/c_handle.h"

namespace authmilter {

using CurlHandle = CHandle<CURL, curl_easy_cleanup>;

/// A list of libcurl that grows.
class CurlList {
 public:
  /// False when there is no memory for one more; the list stays as it was.
  bool add(const std::string& text) {
    curl_slist* longer = curl_slist_append(list_.get(), text.c_str());
    if (longer == nullptr) return false;
    (void)list_.release();
    list_.reset(longer);
    return true;
  }
  curl_slist* get() const { return list_.get(); }

 private:
  CHandle<curl_slist, curl_slist_free_all> list_;
};

/// A handle, after libcurl itself is ready, once for the process; null when it cannot be used.
CurlHandle make_curl();

}  // namespace authmilter
