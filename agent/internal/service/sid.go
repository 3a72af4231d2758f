package service

import (
	"crypto/sha1" //nolint:gosec // Windows names a service's own account by it
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// accountSID is the security identifier of the account that Windows gives a service, "NT SERVICE\name": five numbers of
// the SHA-1 of its name in capitals ([MS-DTYP] 2.4.2.4, S-1-5-80).
func accountSID(name string) string {
	var raw []byte
	for _, u := range utf16.Encode([]rune(strings.ToUpper(name))) {
		raw = binary.LittleEndian.AppendUint16(raw, u)
	}
	sum := sha1.Sum(raw) //nolint:gosec // as above
	sid := "S-1-5-80"
	for i := 0; i < len(sum); i += 4 {
		sid += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(sum[i:]))
	}
	return sid
}

// folderRights lets in the machine, its administrators and the service, and nobody else; what lies within inherits it. In
// the words of SDDL.
func folderRights() string {
	return "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;" + accountSID(Name) + ")"
}
