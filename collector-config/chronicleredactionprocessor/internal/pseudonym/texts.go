package pseudonym

import "strings"

// Domain returns a domain under example.com; equal domains stay equal.
func (k *Key) Domain(domain string) string {
	return "d" + k.digestOf("domain", domain).letters(6) + ".example.com"
}

// Email returns an address under example.com for a lower-case address.
func (k *Key) Email(address string) string {
	local := "m" + k.digestOf("email", address).letters(12)
	domain := "@" + k.Domain(address[strings.LastIndexByte(address, '@')+1:])
	return local + check(local+domain, 4) + domain
}

const (
	localLength  = 1 + 12 + 4
	domainLength = 1 + 6 + len(".example.com")
	// EmailLength is the length of every e-mail pseudonym.
	EmailLength = localLength + 1 + domainLength
)

// OwnEmail reports whether a text is an output of Email.
func OwnEmail(text string) bool {
	if len(text) != EmailLength || text[0] != 'm' || text[localLength] != '@' || !OwnDomain(text[localLength+1:]) {
		return false
	}
	body := text[:localLength-4]
	return inAlphabet(body[1:]) && text[localLength-4:localLength] == check(body+text[localLength:], 4)
}

// OwnDomain reports whether a text has the form of an output of Domain.
func OwnDomain(text string) bool {
	return len(text) == domainLength && text[0] == 'd' && text[7:] == ".example.com" && inAlphabet(text[1:7])
}

const minSecret = 3 + 4 + 20

// Secret returns a stand-in for a secret: its known prefix, a checked body, and fill up to the old length.
func (k *Key) Secret(value, prefix string) string {
	body := k.digestOf("secret", value).letters(20)
	head := prefix + "chr" + check("chr"+body, 4) + body
	return head + fill(body, len(value)-len(head))
}

func fill(body string, n int) string {
	if n <= 0 {
		return ""
	}
	block := check("fill"+body, 32)
	return strings.Repeat(block, n/len(block)+1)[:n]
}

// OwnSecret reports whether a text is prefix and body as Secret makes them, and nothing else.
func OwnSecret(text, prefix string) bool {
	rest, ok := strings.CutPrefix(text, prefix)
	return ok && OwnSecretBody(rest)
}

// OwnSecretBody is OwnSecret after the prefix.
func OwnSecretBody(text string) bool {
	if len(text) < minSecret || text[:3] != "chr" {
		return false
	}
	body := text[7:minSecret]
	return inAlphabet(body) && text[3:7] == check("chr"+body, 4) && text[minSecret:] == fill(body, len(text)-minSecret)
}

var alphabetClass = func() (class [256]bool) {
	for i := range len(alphabet) {
		class[alphabet[i]] = true
	}
	return class
}()

func inAlphabet(text string) bool {
	for i := range len(text) {
		if !alphabetClass[text[i]] {
			return false
		}
	}
	return true
}

// IBAN returns a British test IBAN for one in upper case without separators.
func (k *Key) IBAN(iban string) string {
	account := "TEST" + k.digestOf("iban", iban).decimal(14)
	return "GB" + padded(uint64(98-ibanRemainder(account+"GB00")), 2) + account
}

// OwnIBAN reports whether a text in upper case without separators is in the range of IBAN.
func OwnIBAN(text string) bool {
	if len(text) != 22 || text[:2] != "GB" || text[4:8] != "TEST" {
		return false
	}
	for i := range len(text) {
		if i > 7 && (text[i] < '0' || text[i] > '9') {
			return false
		}
	}
	return ValidIBAN(text)
}

// ValidIBAN reports whether the check digits of an IBAN in upper case without separators are right.
func ValidIBAN(text string) bool {
	return len(text) > 4 && ibanRemainder(text[4:]+text[:4]) == 1
}

func ibanRemainder(text string) int {
	remainder := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			remainder = (remainder*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		default:
			return -1
		}
	}
	return remainder
}

// OwnSecretAt returns the length of the own secret that a text begins with, as much of its fill as is there included;
// 0 if there is none.
func OwnSecretAt(text []byte) int {
	if len(text) < minSecret || string(text[:3]) != "chr" {
		return 0
	}
	for _, c := range text[3:minSecret] {
		if !alphabetClass[c] {
			return 0
		}
	}
	body := string(text[7:minSecret])
	if string(text[3:7]) != check("chr"+body, 4) {
		return 0
	}
	n := minSecret
	if n == len(text) {
		return n
	}
	block := check("fill"+body, 32)
	for n < len(text) && text[n] == block[(n-minSecret)%len(block)] {
		n++
	}
	return n
}

// Token returns a checked stand-in of 27 letters for what has neither form nor length worth keeping.
func (k *Key) Token(tag, value string) string {
	body := k.digestOf(tag, value).letters(20)
	return "chr" + check("chr"+body, 4) + body
}
