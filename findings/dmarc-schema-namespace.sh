#!/usr/bin/env bash
# Mail::DMARC 1.20211209: its schema of aggregate reports (RFC 7489 appendix C) is not a valid schema
#
# Those who write reports would like to check them, and rua-schema.xsd is there for that.
# Guess: it compiles; the question is which of three forms it takes: names in no namespace, in a default namespace, or
# with a prefix on the outer element alone.
# Seen, libmail-dmarc-perl 1.20211209-4 and libxml2-utils 2.9.14+dfsg-1.3~deb12u6 of Debian 12: it does not compile: its
# types are in the target namespace, and it speaks of them as in none. With a default namespace added to the schema, the
# third form is valid, and only that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download libmail-dmarc-perl=1.20211209-4 libxml2-utils=2.9.14+dfsg-1.3~deb12u6 libxml2=2.9.14+dfsg-1.3~deb12u6 \
  >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

cat >inside <<'END'
<version>1.0</version>
<report_metadata>
  <org_name>Example</org_name><email>a@example.net</email><report_id>1</report_id>
  <date_range><begin>1700000000</begin><end>1700086399</end></date_range>
</report_metadata>
<policy_published><domain>example.org</domain><p>none</p><sp>none</sp><pct>100</pct><fo>0</fo></policy_published>
<record>
  <row>
    <source_ip>192.0.2.1</source_ip><count>1</count>
    <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>pass</spf></policy_evaluated>
  </row>
  <identifiers><envelope_from>example.org</envelope_from><header_from>example.org</header_from></identifiers>
  <auth_results><spf><domain>example.org</domain><scope>mfrom</scope><result>pass</result></spf></auth_results>
</record>
END
space=http://dmarc.org/dmarc-xml/0.1
write() { printf '<%s>\n%s\n</%s>\n' "$1" "$(cat inside)" "${1%% *}" >"$2"; }
write feedback none
write "feedback xmlns=\"$space\"" default
write "d:feedback xmlns:d=\"$space\"" prefix
cp "$(find usr -name rua-schema.xsd)" shipped.xsd
sed "0,/<xs:schema /s||<xs:schema xmlns=\"$space\" |" shipped.xsd >mended.xsd
seen=$(for schema in shipped mended; do
  for form in none default prefix; do
    status=0
    usr/bin/xmllint --noout --schema $schema.xsd $form >errors 2>&1 || status=$?
    words='components in no namespace\|No matching global decl\|element is not expected\|validates'
    echo "$schema, $form: status $status, $(grep -o -m 1 "$words" errors)"
  done
done)
echo "$seen"
[ "$seen" = 'shipped, none: status 5, components in no namespace
shipped, default: status 5, components in no namespace
shipped, prefix: status 5, components in no namespace
mended, none: status 3, No matching global decl
mended, default: status 3, element is not expected
mended, prefix: status 0, validates' ]
