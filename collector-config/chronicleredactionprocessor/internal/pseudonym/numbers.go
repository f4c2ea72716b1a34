package pseudonym

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/data"
)

// areaCodes are the area codes under which 555-01xx is reserved for fiction, in the order that pseudonyms depend on.
var areaCodes = strings.Fields(data.AreaCodes)

var isAreaCode = func() map[string]bool {
	known := make(map[string]bool, len(areaCodes))
	for _, code := range areaCodes {
		known[code] = true
	}
	return known
}()

func padded(n uint64, width int) string {
	text := strconv.FormatUint(n, 10)
	return zeros(width-len(text)) + text
}

func zeros(n int) string {
	if n <= 0 {
		return ""
	}
	return strings.Repeat("0", n)
}

// Phone returns the digits of a fictitious North American number, country code first, for E.164 digits.
func (k *Key) Phone(digits string) string {
	x := k.digestOf("phone", digits).mod(uint64(len(areaCodes)) * 100)
	return "1" + areaCodes[x/100] + "55501" + padded(x%100, 2)
}

// OwnPhone reports whether E.164 digits are in the range of Phone.
func OwnPhone(digits string) bool {
	return len(digits) == 11 && digits[0] == '1' && OwnNationalPhone(digits[1:])
}

// OwnNationalPhone is OwnPhone for the ten digits without the country code.
func OwnNationalPhone(digits string) bool {
	return len(digits) == 10 && digits[3:8] == "55501" && isAreaCode[digits[:3]]
}

// CardPrefix begins every card pseudonym.
const CardPrefix = "400000"

// Card returns a number of the same length that passes Luhn.
func (k *Key) Card(digits string) string {
	n := len(digits)
	head := CardPrefix + k.digestOf("card", digits).decimal(n-7)
	return head + string(luhnDigit(head))
}

// OwnCard reports whether digits are in the range of Card.
func OwnCard(digits string) bool {
	return len(digits) >= 12 && len(digits) <= 19 && strings.HasPrefix(digits, CardPrefix) && Luhn(digits)
}

// Luhn reports whether the last digit is the check digit of the others.
func Luhn(digits string) bool {
	last := len(digits) - 1
	return last > 0 && luhnDigit(digits[:last]) == digits[last]
}

func luhnDigit(head string) byte {
	sum := 0
	double := true
	for i := len(head) - 1; i >= 0; i-- {
		d := int(head[i] - '0')
		if double {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return byte('0' + (10-sum%10)%10)
}

// SSN returns nine digits that were never issued, for nine digits.
func (k *Key) SSN(digits string) string {
	const serials = 9999
	x := k.digestOf("us_ssn", digits).mod(100 * 49 * serials)
	return padded(900+x/(49*serials), 3) + padded(1+x/serials%49, 2) + padded(1+x%serials, 4)
}

// OwnSSN reports whether nine digits are in the range of SSN.
func OwnSSN(digits string) bool {
	if len(digits) != 9 || digits[0] != '9' || digits[5:] == "0000" {
		return false
	}
	group := digits[3:5]
	return group >= "01" && group <= "49"
}

// Integer returns a number of the same length for one whose type has no reserved range.
func (k *Key) Integer(tag, digits string) string {
	n := len(digits)
	if n < 12 {
		return strings.Repeat("9", n)
	}
	head := "99" + k.digestOf(tag, digits).decimal(n-7)
	return head + integerCheck(head)
}

// OwnInteger reports whether digits could have come from Integer.
func OwnInteger(digits string) bool {
	n := len(digits)
	if n == 0 {
		return false
	}
	if n < 12 {
		return strings.Count(digits, "9") == n
	}
	return strings.HasPrefix(digits, "99") && integerCheck(digits[:n-5]) == digits[n-5:]
}

func integerCheck(head string) string {
	sum := sha256.Sum256([]byte("chronicle-check-v1\x00" + head))
	return padded(uint64(binary.BigEndian.Uint32(sum[:4])%100000), 5)
}
