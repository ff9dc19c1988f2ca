#include <dlfcn.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include <cstdlib>
#include <fstream>
#include <string>

// A PKCS#11 library around another one, $FAULTY_TOKEN_LIBRARY, that fails as hardware does when a
// test says so. The file $FAULTY_TOKEN_ORDERS has a line for each call that is to fail: its name,
// and "hang" (until the line is gone), "slow MILLISECONDS", "flip" (of C_Sign: an octet is wrong)
// or the return value, "0x32". Each call of those below adds its name to
// $FAULTY_TOKEN_ORDERS.calls.

namespace {

CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST ours;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What is said of a call; empty: nothing.
std::string order_for(const std::string& call) {
  std::ifstream orders(environment("FAULTY_TOKEN_ORDERS"));
  for (std::string line; std::getline(orders, line);) {
    if (line.starts_with(call + " ")) return line.substr(call.size() + 1);
  }
  return "";
}

void note(const std::string& call) {
  const std::string line = call + "\n";
  std::ofstream calls(environment("FAULTY_TOKEN_ORDERS") + ".calls", std::ios::app);
  calls << line;
}

/// The return value that a call was told to have; CKR_OK: it is made.
CK_RV obey(const std::string& call) {
  std::string order = order_for(call);
  while (order == "hang") {
    ::usleep(10'000);
    order = order_for(call);
  }
  if (order.starts_with("slow "))
    ::usleep(static_cast<useconds_t>(std::stoul(order.substr(5))) * 1000);
  if (!order.starts_with("0x")) return CKR_OK;
  return std::stoul(order, nullptr, 16);
}

CK_RV initialize(void* arguments) {
  note("C_Initialize");
  if (const CK_RV value = obey("C_Initialize"); value != CKR_OK) return value;
  return real->C_Initialize(arguments);
}

CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID* slots, CK_ULONG* count) {
  if (const CK_RV value = obey("C_GetSlotList"); value != CKR_OK) return value;
  return real->C_GetSlotList(present, slots, count);
}

CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE* session) {
  note("C_OpenSession");
  if (const CK_RV value = obey("C_OpenSession"); value != CKR_OK) return value;
  return real->C_OpenSession(slot, flags, application, notify, session);
}

CK_RV close_session(CK_SESSION_HANDLE session) {
  if (const CK_RV value = obey("C_CloseSession"); value != CKR_OK) return value;
  return real->C_CloseSession(session);
}

CK_RV finalize(void* reserved) {
  if (const CK_RV value = obey("C_Finalize"); value != CKR_OK) return value;
  return real->C_Finalize(reserved);
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char* pin, CK_ULONG octets) {
  note("C_Login");
  if (const CK_RV value = obey("C_Login"); value != CKR_OK) return value;
  return real->C_Login(session, user, pin, octets);
}

CK_RV logout(CK_SESSION_HANDLE session) {
  note("C_Logout");
  return real->C_Logout(session);
}

CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  if (const CK_RV value = obey("C_SignInit"); value != CKR_OK) return value;
  return real->C_SignInit(session, mechanism, key);
}

CK_RV sign(CK_SESSION_HANDLE session, unsigned char* data, CK_ULONG octets,
           unsigned char* signature, CK_ULONG* signature_octets) {
  if (const CK_RV value = obey("C_Sign"); value != CKR_OK) return value;
  const CK_RV value = real->C_Sign(session, data, octets, signature, signature_octets);
  if (value == CKR_OK && signature != nullptr && order_for("C_Sign") == "flip") signature[5] ^= 1U;
  return value;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  if (real == nullptr) {
    // Kept to the end of the process: what a sanitizer reports there has names only while it is loaded.
    void* library =
        ::dlopen(environment("FAULTY_TOKEN_LIBRARY").c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) return CKR_GENERAL_ERROR;
    const auto get =
        reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
    if (get == nullptr || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
    ours = *real;
    ours.C_Initialize = initialize;
    ours.C_GetSlotList = get_slot_list;
    ours.C_OpenSession = open_session;
    ours.C_CloseSession = close_session;
    ours.C_Finalize = finalize;
    ours.C_Login = login;
    ours.C_Logout = logout;
    ours.C_SignInit = sign_init;
    ours.C_Sign = sign;
    ours.C_GetFunctionList = C_GetFunctionList;
  }
  *list = &ours;
  return CKR_OK;
}
