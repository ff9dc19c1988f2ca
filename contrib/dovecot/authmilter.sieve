# Files suspicious mail into its own folder, for everyone, before the user's own script runs.
#
# Copy it to /etc/dovecot/sieve/authmilter.sieve, put your identity.authserv_id in, compile it with
# `sievec /etc/dovecot/sieve/authmilter.sieve`, and name it in /etc/dovecot/conf.d/90-sieve.conf:
#
#   plugin {                                                   # Dovecot 2.3 (Debian 12)
#     sieve_before = /etc/dovecot/sieve/authmilter.sieve
#   }
#
#   sieve_script authmilter {                                  # Dovecot 2.4 (Debian 13)
#     type = before
#     path = /etc/dovecot/sieve/authmilter.sieve
#   }
#
# A script that runs before others and files a message ends there: the user's script cannot bring it back.

require ["fileinto", "mailbox", "variables"];

set "authserv_id" "mx.example.org";
set "folder" "Junk";

# What authmilter has tagged. It removes fields of this name that come from outside; in monitor mode it
# does not, but then a sender only files his own message away.
if header :matches "X-Authmilter-Verdict" "suspicious*" {
    fileinto :create "${folder}";
    stop;
}

# What failed the DMARC policy of its author's domain and was delivered all the same: in monitor mode, where
# [policy] accepts it, or when it was released from the hold queue. Only our own field counts: authmilter has
# removed those that pretend to be ours, and in any other the name of another host stands first. (Each pattern
# begins at the start of a field, so that a decoded line end within one is of no use to a sender.)
# Leave this part out if a policy.override accepts such mail on purpose, from mailing lists for example.
if header :matches "Authentication-Results"
        ["${authserv_id};*dmarc=fail *policy.dmarc=quarantine*",
         "${authserv_id};*dmarc=fail *policy.dmarc=reject*"] {
    fileinto :create "${folder}";
    stop;
}
