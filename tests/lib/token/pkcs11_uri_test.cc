#include <authmilter/pkcs11_uri.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::Octets;
using authmilter::PinSource;
using authmilter::PinStore;
using authmilter::Pkcs11Uri;

namespace {

/// What was read, one attribute after the other; "! " and the reason for what is refused.
std::string read(std::string_view text) {
  const auto uri = Pkcs11Uri::parse(text);
  if (!uri) return "! " + uri.error().message;
  std::string said;
  const auto say = [&](const char* name, const std::optional<std::string>& value) {
    if (value) said += std::string(said.empty() ? "" : " ") + name + "[" + *value + "]";
  };
  say("token", uri->token);
  say("manufacturer", uri->manufacturer);
  say("serial", uri->serial);
  say("model", uri->model);
  say("slot-description", uri->slot_description);
  say("slot-manufacturer", uri->slot_manufacturer);
  if (uri->slot_id) say("slot-id", std::to_string(*uri->slot_id));
  say("library-manufacturer", uri->library_manufacturer);
  say("library-description", uri->library_description);
  if (uri->library_version) {
    say("library-version", std::to_string(uri->library_version->first) + "." +
                               std::to_string(uri->library_version->second));
  }
  say("object", uri->object);
  if (uri->id) say("id", std::string(uri->id->begin(), uri->id->end()));
  if (!uri->module_path.empty()) say("module-path", uri->module_path);
  if (!uri->module_name.empty()) say("module-name", uri->module_name);
  if (uri->pin_source) {
    say(uri->pin_source->store == PinStore::file ? "pin-file" : "pin-credential",
        uri->pin_source->name);
  }
  return said;
}

}  // namespace

TEST_CASE("PKCS#11 URIs that name a private key (RFC 7512)") {
  const struct {
    const char* why;
    const char* text;
    const char* read;
  } rows[] = {
      {"section 3, a key and where its PIN is",
       "pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
       "object[my-key] pin-file[/etc/token]"},
      {"section 3, the module by its name",
       "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
       "object[my-sign-key] module-name[mypkcs11]"},
      {"section 3, the module by its file",
       "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
       "object[my-sign-key] module-path[/mnt/libmypkcs11.so.1]"},
      {"section 3, blanks, a number sign and a comma; an empty serial",
       "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
       "model=1.0;object=my-certificate;type=private;id=%41%42%43;serial=?pin-source=file:/etc/p",
       "token[The Software PKCS#11 Softtoken] manufacturer[Snake Oil, Inc.] serial[] model[1.0] "
       "object[my-certificate] id[ABC] pin-file[/etc/p]"},
      {"section 3, a percent sign, a version without a minor, an id in both cases",
       "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%4a%4B",
       "token[My token% created by Joe] library-version[3.0] id[JK]"},
      {"section 3, a semicolon in a name",
       "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate",
       "token[A name with a substring %;] object[my-certificate]"},
      {"section 3, octets of UTF-8", "pkcs11:token=small%20A%20with%20acute:%20%C3%A1;object=k",
       "token[small A with acute: \xc3\xa1] object[k]"},
      {"the slot and the library",
       "pkcs11:slot-description=Sun%20Metaslot;slot-manufacturer=S;slot-id=327;"
       "library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;"
       "library-version=1.23;object=k",
       "slot-description[Sun Metaslot] slot-manufacturer[S] slot-id[327] "
       "library-manufacturer[Snake Oil, Inc.] library-description[Soft Token Library] "
       "library-version[1.23] object[k]"},
      {"an ampersand belongs to the path's values", "pkcs11:object=a&b", "object[a&b]"},
      {"an equals sign, too", "pkcs11:object=a=b", "object[a=b]"},
      {"schemes have no case (RFC 3986 section 3.1)", "PKCS11:object=k", "object[k]"},
      {"a PIN's file as a bare path", "pkcs11:object=k?pin-source=/etc/pin",
       "object[k] pin-file[/etc/pin]"},
      {"with an empty authority (RFC 8089)", "pkcs11:object=k?pin-source=file:///etc/pin",
       "object[k] pin-file[/etc/pin]"},
      {"a credential of the service manager", "pkcs11:object=k?pin-source=credential:hsm.pin",
       "object[k] pin-credential[hsm.pin]"},
      {"both, in the other order",
       "pkcs11:id=%01?pin-source=/p&module-path=/usr/lib/softhsm/libsofthsm2.so",
       "id[\x01] module-path[/usr/lib/softhsm/libsofthsm2.so] pin-file[/p]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(read(row.text) == row.read);
  }
}

TEST_CASE("PKCS#11 URIs that are refused") {
  const struct {
    const char* why;
    std::string text;
    const char* says;  // a part of the reason
  } rows[] = {
      {"another scheme", "file:/etc/key.pem", "does not begin with \"pkcs11:\""},
      {"section 3, everything", "pkcs11:", "names no key"},
      {"a token without a key in it", "pkcs11:token=mail", "names no key"},
      {"section 3, a public key", "pkcs11:object=my-pubkey;type=public", "type=private"},
      {"section 3, a certificate", "pkcs11:object=c;type=cert", "type=private"},
      {"section 3, an attribute of a vendor (nothing matches)",
       "pkcs11:object=k;vendor-aaa=value-a", "\"vendor-aaa\" is not an attribute"},
      {"a slip", "pkcs11:tokn=mail;object=k", "\"tokn\" is not an attribute"},
      {"names have case", "pkcs11:Token=mail;object=k", "\"Token\" is not an attribute"},
      {"section 2.3: an attribute twice", "pkcs11:object=a;object=b", "\"object\" is there twice"},
      {"twice behind the ?", "pkcs11:object=a?pin-source=/a&pin-source=/b",
       "\"pin-source\" is there twice"},
      {"a blank as it is", "pkcs11:token=my token;object=k", "token: a character that must be"},
      {"a slash in the path", "pkcs11:token=a/b;object=k", "token: a character that must be"},
      {"a half escape", "pkcs11:object=k%4", "object: a % without"},
      {"no hexadecimal digits", "pkcs11:object=k%4g", "object: a % without"},
      {"an empty attribute", "pkcs11:object=k;", "NAME=VALUE"},
      {"no equals sign", "pkcs11:object", "NAME=VALUE"},
      {"an ampersand between the key's attributes", "pkcs11:object=k?module-path=/a;pin-source=/b",
       "module-path: a character that must be"},
      {"an empty id", "pkcs11:id=", "id: empty"},
      {"a slot that is no number", "pkcs11:object=k;slot-id=first", "slot-id: not a number"},
      {"a version of three parts", "pkcs11:object=k;library-version=1.2.3", "not a version"},
      {"section 3, the PIN itself", "pkcs11:object=k?pin-value=the-pin",
       "pin-value holds a secret"},
      {"in the path, too", "pkcs11:object=k;pin-value=the-pin", "pin-value holds a secret"},
      {"the PIN of a program", "pkcs11:object=k?pin-source=%7C/usr/lib/pinomatic",
       "programs are not run"},
      {"a program as section 2.4 writes it", "pkcs11:object=k?pin-source=|/usr/lib/pinomatic",
       "programs are not run"},
      {"the PIN where its place belongs", "pkcs11:object=k?pin-source=the-pin", "file:/PATH"},
      {"a PIN of another host", "pkcs11:object=k?pin-source=file://the-pin/p", "file:/PATH"},
      {"a credential elsewhere", "pkcs11:object=k?pin-source=credential:../the-pin",
       "not the name of a credential"},
      {"a misspelt attribute behind the ?", "pkcs11:object=k?pin-valeu=the-pin", "none of module"},
      {"a module by half a path", "pkcs11:object=k?module-path=libsofthsm2.so",
       "module-path: not a whole path"},
      {"a module's name that is a path", "pkcs11:object=k?module-name=/usr/lib/a.so",
       "module-name: not a name"},
      {"two modules", "pkcs11:object=k?module-name=a&module-path=/a", "both module-path and"},
      {"without end", "pkcs11:object=" + std::string(5000, 'a'), "more than 4096"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const std::string said = read(row.text);
    CHECK(said.starts_with("! "));
    CHECK(said.find(row.says) != std::string::npos);
    CAPTURE(said);
    CHECK(said.find("the-pin") == std::string::npos);
  }
}

TEST_CASE("a text that was meant for a URI is shown without its PIN") {
  CHECK(authmilter::without_pin("pkcs11;token=mail") == "pkcs11;token=mail");
  CHECK(authmilter::without_pin("pkcs11;token=mail;pin-value=1234") == "pkcs11;token=mail;...");
  CHECK(authmilter::without_pin("pkcs11;token=mail?pni=1234") == "pkcs11;token=mail...");
}

TEST_CASE("what a token is called") {
  CHECK(Pkcs11Uri::parse("pkcs11:token=mail;object=k")->token_name() == "mail");
  CHECK(Pkcs11Uri::parse("pkcs11:serial=42;object=k")->token_name() == "42");
  CHECK(Pkcs11Uri::parse("pkcs11:slot-id=3;object=k")->token_name() == "of slot 3");
  CHECK(Pkcs11Uri::parse("pkcs11:object=k")->token_name() == "of any name");
}
