dnl Lines for sendmail.mc, after OSTYPE(...) and before MAILER(...).
dnl F=T: while the filter is away, mail waits at the sender. There is nothing to add to
dnl confMILTER_MACROS_...: the filter itself asks Sendmail for what it needs.
INPUT_MAIL_FILTER(`authmilter', `S=unix:/run/authmilter/authmilter.sock, F=T, T=C:30s;S:30s;R:60s;E:5m')dnl
dnl Behind the filters Sendmail would put names with a dot or an apostrophe (O'Brien) between quotes,
dnl and so break signatures: ours, and those of mail that it passes on.
define(`confMUST_QUOTE_CHARS', `')dnl
