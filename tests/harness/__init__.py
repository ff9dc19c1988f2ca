"""What tests play, so that authmilterd has a world around it.

milter_client      an MTA, by the milter protocol, one step at a time
daemon, measured   authmilterd with a zone file; its metrics
victim, faults     authmilterd as the tables of attacks and of faults know it
dns_server         the one name server: UDP and TCP, with faults
signed_zones       zones with signatures
signed_tree        NSD and unbound with a signed root of their own, and what may stand before them
network            free ports, a network of one's own
private_postfix, private_sendmail, other_milter, original_milters, login_server
                   MTAs and filters of one's own, in folders of their own
mail_host, bench, nukib_laboratory
                   Postfix (and Sendmail) with authmilterd, zones, keys, clients and servers
throwaway_machine, debian_package, unpacked_packages
                   copies of this machine, and packages to put into them
exposition, signature_check, tables
                   how results are read and shown
ran                registers the rows that ran, by their titles

Each folder with scripts has a link `harness` to this one, so that each script runs by its path from anywhere, and no
script says where modules are. contrib/demo has one too: what plays the world is one package, and it is here, since
more tests use it than demonstrations do.
"""
