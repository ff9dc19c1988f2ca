# The Debian package, by CPack: `cmake --build --preset release --target deb` builds the two programs
# and puts authmilter_VERSION_ARCHITECTURE.deb into the build directory. What is in it is what
# `cmake --install --prefix /usr` installs; stage.cmake adds what Debian's policy asks for.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ${PROJECT_NAME})
set(CPACK_PACKAGE_VENDOR "The authmilter authors")
set(CPACK_PACKAGE_CONTACT "authmilter maintainers <maintainers@authmilter.example>")
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR})

# With DESTDIR, because the configuration is outside the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_AUTHMILTER_SOURCE_DIR ${PROJECT_SOURCE_DIR})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
# The libraries that a package depends on are those of the release it was built on. The version says which:
# 1~deb12 is older than 1~deb13, so an upgrade of the system brings one that fits, and unstable has no number.
file(STRINGS /etc/os-release system REGEX "^(ID|VERSION_ID)=")
string(REGEX MATCH "(^|;)ID=\"?([a-z]+)" _ "${system}")
string(REPLACE "debian" "deb" system_name "${CMAKE_MATCH_2}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
if(system MATCHES "VERSION_ID=\"?([0-9.]+)")
  string(APPEND CPACK_DEBIAN_PACKAGE_RELEASE "~${system_name}${CMAKE_MATCH_1}")
endif()
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Where there is no systemd-sysusers, postinst makes the user.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
# The root's key, without which DNSSEC is not validated.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "dns-root-data")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postfix | sendmail-bin")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "mail authentication milter: SPF, DKIM and DMARC")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"One daemon that authenticates mail for Postfix and Sendmail. It verifies SPF
(RFC 7208), DKIM (RFC 6376) and DMARC (RFC 9989) of incoming mail together, and
rejects, holds, tags or lets through what fails, as the sender's domain asks
and the administrator allows. Outgoing mail it signs by RSA and Ed25519 keys.
.
The command authmilter makes keys and their DNS records, and explains what the
daemon would do with a message, and why.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_LIST_DIR}/conffiles
  ${CMAKE_CURRENT_LIST_DIR}/postinst
  ${CMAKE_CURRENT_LIST_DIR}/prerm
  ${CMAKE_CURRENT_LIST_DIR}/postrm)
include(CPack)

# CPack's own target, `package`, builds the tests too.
add_custom_target(deb
  COMMAND ${CMAKE_CPACK_COMMAND} --config ${PROJECT_BINARY_DIR}/CPackConfig.cmake
  DEPENDS authmilterd authmilter_command
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
  USES_TERMINAL)
