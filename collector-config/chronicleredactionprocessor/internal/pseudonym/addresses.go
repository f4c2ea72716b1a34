package pseudonym

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// IPv4 returns an address of the reserved block 240.0.0.0/5 for one in dotted decimal.
func (k *Key) IPv4(address string) string {
	n := 0xF0000000 + k.digestOf("ipv4", address).mod(1<<27)
	var out strings.Builder
	for shift := 24; shift >= 0; shift -= 8 {
		out.WriteString(strconv.FormatUint(n>>shift&0xff, 10))
		if shift > 0 {
			out.WriteByte('.')
		}
	}
	return out.String()
}

// OwnIPv4 reports whether the first octet is one of those that IPv4 gives.
func OwnIPv4(firstOctet int) bool { return firstOctet >= 240 && firstOctet <= 247 }

// IPv6 returns an address of the documentation block for the 16 bytes of one.
func (k *Key) IPv6(address [16]byte) string {
	d := k.digestOf("ipv6", hex.EncodeToString(address[:]))
	var out strings.Builder
	out.WriteString("2001:db8")
	for i := range 6 {
		group := 0x1000 + (uint64(d[2*i])<<8|uint64(d[2*i+1]))%0xF000
		out.WriteByte(':')
		out.WriteString(strconv.FormatUint(group, 16))
	}
	return out.String()
}
