dnl Lines for sendmail.mc, before MAILER(...). F=T: while the filter is away, mail waits at the sender.
INPUT_MAIL_FILTER(`authmilter', `S=unix:/run/authmilter/authmilter.sock, F=T, T=C:30s;S:30s;R:60s;E:5m')dnl
define(`confMILTER_MACROS_CONNECT', confMILTER_MACROS_CONNECT`, j, {client_addr}, {daemon_name}')dnl
define(`confMILTER_MACROS_ENVFROM', confMILTER_MACROS_ENVFROM`, i, {auth_type}, {auth_authen}')dnl
