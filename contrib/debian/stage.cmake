# Runs in CPack between installing and packing: what Debian's policy asks of a package beyond what
# `cmake --install` puts into the tree.
set(tree ${CPACK_TEMPORARY_DIRECTORY})
set(documents ${tree}/usr/share/doc/authmilter)
file(MAKE_DIRECTORY ${tree}/usr/share/lintian/overrides)
set(debian ${CPACK_AUTHMILTER_SOURCE_DIR}/contrib/debian)

file(COPY ${debian}/copyright DESTINATION ${documents})
file(COPY_FILE ${debian}/lintian-overrides ${tree}/usr/share/lintian/overrides/authmilter)
file(COPY_FILE ${CPACK_AUTHMILTER_SOURCE_DIR}/CHANGELOG.md ${documents}/changelog)
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
file(READ ${debian}/changelog changelog)
string(CONFIGURE "${changelog}" changelog @ONLY)
file(WRITE ${documents}/changelog.Debian "${changelog}")

# Debian Policy sections 12.1 and 12.7. -n: without names and times.
file(GLOB pages ${tree}/usr/share/man/man*/*)
execute_process(COMMAND gzip -9nf ${pages} ${documents}/changelog ${documents}/changelog.Debian
                COMMAND_ERROR_IS_FATAL ANY)
# Whatever the umask of who builds it.
execute_process(COMMAND chmod -R u=rwX,go=rX ${tree} COMMAND_ERROR_IS_FATAL ANY)
