#include "audit/dns_json.h"

#include <chrono>

#include "dns/record_fields.h"

namespace authmilter {

template <>
constexpr Word<DnsStatus> kJsonWords<DnsStatus>[] = {{DnsStatus::success, "success"},
                                                     {DnsStatus::no_data, "no_data"},
                                                     {DnsStatus::nxdomain, "nxdomain"},
                                                     {DnsStatus::temperror, "temperror"}};
static_assert(is_complete(kJsonWords<DnsStatus>, DnsStatus::temperror));
template <>
struct JsonForm<DnsName> {
  static FactsJson write(const DnsName& value) {
    return JsonForm<std::string>::write(value.text());
  }
  static Result<DnsName> read(const FactsJson& json) {
    const auto text = JsonForm<std::string>::read(json);
    const auto name = text ? DnsName::parse(*text) : std::nullopt;
    if (!name) return not_of_form("a name of the DNS");
    return *name;
  }
};

template <>
struct JsonForm<RrType> {
  static FactsJson write(RrType value) { return to_string(value); }
  static Result<RrType> read(const FactsJson& json) {
    const auto type =
        json.is_string() ? parse_rr_type(json.get_ref<const std::string&>()) : std::nullopt;
    if (!type) return not_of_form("a type of records");
    return *type;
  }
};

namespace {

/// Puts the fields of a record (see dns_record.h) at the end of a list.
class FieldWriter {
 public:
  explicit FieldWriter(FactsJson& list) : list_(list) {}
  void number(std::unsigned_integral auto value, std::string_view = {}) { list_.push_back(value); }
  void algorithm(std::uint8_t value) { list_.push_back(value); }
  void seconds(std::uint32_t value) { list_.push_back(value); }
  void name(const DnsName& value) { list_.push_back(JsonForm<DnsName>::write(value)); }
  void mailbox() {}
  void v4(const IpAddress& value) { list_.push_back(value.text()); }
  void v6(const IpAddress& value) { list_.push_back(value.text()); }
  void strings(const std::string& value) { list_.push_back(JsonForm<std::string>::write(value)); }
  void tag(const std::string& value) { strings(value); }
  void rest(const std::string& value) { strings(value); }
  void hexadecimal(const Octets& value) { list_.push_back(base64_encode(value)); }
  void base64(const Octets& value) { list_.push_back(base64_encode(value)); }

 private:
  FactsJson& list_;
};

/// Takes them from there.
class FieldReader {
 public:
  explicit FieldReader(const FactsJson& list) : list_(list) {}
  void number(std::unsigned_integral auto& value, std::string_view = {}) { take(value); }
  void algorithm(std::uint8_t& value) { take(value); }
  void seconds(std::uint32_t& value) { take(value); }
  void name(DnsName& value) { take(value); }
  void mailbox() {}
  void v4(IpAddress& value) {
    take(value);
    if (!value.is_v4()) whole_ = false;
  }
  /// An IPv4-mapped address is kept as the IPv4 address.
  void v6(IpAddress& value) { take(value); }
  void strings(std::string& value) { take(value); }
  void tag(std::string& value) { take(value); }
  void rest(std::string& value) { take(value); }
  void hexadecimal(Octets& value) { octets(value); }
  void base64(Octets& value) { octets(value); }

  /// All were there, and nothing else.
  bool whole() const { return whole_ && next_ == list_.size(); }

 private:
  template <class Value>
  void take(Value& value) {
    if (next_ >= list_.size()) {
      whole_ = false;
      return;
    }
    auto read = JsonForm<Value>::read(list_[next_++]);
    if (read) {
      value = std::move(*read);
    } else {
      whole_ = false;
    }
  }
  void octets(Octets& value) {
    std::string text;
    take(text);
    const auto decoded = base64_decode(text);
    if (decoded) {
      value = *decoded;
    } else {
      whole_ = false;
    }
  }

  const FactsJson& list_;
  std::size_t next_ = 1;  // behind the type
  bool whole_ = true;
};

}  // namespace

template <>
struct JsonForm<DnsRecord> {
  static FactsJson write(const DnsRecord& record) {
    FactsJson list = FactsJson::array({to_string(type_of(record))});
    FieldWriter writer(list);
    visit_fields(record, writer);
    return list;
  }
  static Result<DnsRecord> read(const FactsJson& json) {
    if (!json.is_array() || json.empty()) return not_of_form("a record");
    const auto type = JsonForm<RrType>::read(json.front());
    if (!type) return type.error();
    FieldReader reader(json);
    auto record = read_fields(*type, reader);
    if (!record || !reader.whole()) return not_of_form("a record of its type");
    return std::move(*record);
  }
};

namespace {

// A time to live of the DNS has 31 bits (RFC 2181 section 8).
constexpr std::int64_t kLongestTtl = 0x7fffffff;

FactsJson write_answer(const DnsQuestion& question, const DnsAnswer& answer) {
  FactsJson json{{"name", JsonForm<DnsName>::write(question.name)},
                 {"type", JsonForm<RrType>::write(question.type)},
                 {"status", JsonForm<DnsStatus>::write(answer.status)}};
  if (answer.fault != DnsFault::none) json["fault"] = JsonForm<DnsFault>::write(answer.fault);
  if (answer.secure) json["secure"] = true;
  if (answer.ttl.count() != 0) json["ttl"] = answer.ttl.count();
  if (!answer.records.empty())
    json["records"] = JsonForm<std::vector<DnsRecord>>::write(answer.records);
  return json;
}

/// The member, or `usual` where it is left out.
template <class Value>
Result<Value> member_or(const FactsJson& json, const char* name, Value usual) {
  const auto found = json.find(name);
  if (found == json.end()) return usual;
  auto value = JsonForm<Value>::read(*found);
  if (!value) return Error{"has \"" + std::string(name) + "\" that " + value.error().message};
  return value;
}

Result<std::pair<DnsQuestion, DnsAnswer>> read_answer(const FactsJson& json) {
  if (!json.is_object()) return not_of_form("an object");
  const auto name = json.contains("name") ? JsonForm<DnsName>::read(json["name"])
                                          : Result<DnsName>(Error{"has no \"name\""});
  if (!name) return name.error();
  const auto type = json.contains("type") ? JsonForm<RrType>::read(json["type"])
                                          : Result<RrType>(Error{"has no \"type\""});
  if (!type) return type.error();
  const auto status = json.contains("status") ? JsonForm<DnsStatus>::read(json["status"])
                                              : Result<DnsStatus>(Error{"has no \"status\""});
  if (!status) return status.error();
  const auto fault = member_or(json, "fault", DnsFault::none);
  if (!fault) return fault.error();
  const auto secure = member_or(json, "secure", false);
  if (!secure) return secure.error();
  const auto ttl = member_or(json, "ttl", std::int64_t{0});
  if (!ttl) return ttl.error();
  if (*ttl < 0 || *ttl > kLongestTtl) return Error{"has a \"ttl\" out of its range"};
  auto records = member_or(json, "records", std::vector<DnsRecord>());
  if (!records) return records.error();
  DnsAnswer answer;
  answer.status = *status;
  answer.fault = *fault;
  answer.secure = *secure;
  answer.ttl = std::chrono::seconds(*ttl);
  answer.records = std::move(*records);
  return std::pair(DnsQuestion{*name, *type}, std::move(answer));
}

}  // namespace

FactsJson JsonForm<DnsFacts>::write(const DnsFacts& facts) {
  FactsJson list = FactsJson::array();
  for (const auto& [question, answer] : facts) list.push_back(write_answer(question, answer));
  return list;
}

Result<DnsFacts> JsonForm<DnsFacts>::read(const FactsJson& json) {
  if (!json.is_array()) return not_of_form("a list");
  DnsFacts facts;
  for (const FactsJson& element : json) {
    auto answer = read_answer(element);
    const std::string place = "has an element " + std::to_string(facts.size() + 1) + " that ";
    if (!answer) return Error{place + answer.error().message};
    if (!facts.insert(std::move(*answer)).second) return Error{place + "asks what another asks"};
  }
  return facts;
}

}  // namespace authmilter
