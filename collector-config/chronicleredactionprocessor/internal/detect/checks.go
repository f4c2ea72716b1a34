package detect

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// plainChecks are the checks that need no parameters. Text that does not have the form that a check is about fails it.
var plainChecks = map[string]func(string) bool{
	"verhoeff": verhoeff, "iso7064_11_10": iso7064, "de_idnr": deIDNr, "nir": nir, "codice_fiscale": codiceFiscale,
	"tckn": tckn, "nric": nric, "be_nrn": beNRN, "pps": pps,
}

// holds reports whether a check holds over letters and digits.
func holds(check *policy.Check, text string) bool {
	if plain := plainChecks[check.Kind]; plain != nil {
		return plain(text)
	}
	switch check.Kind {
	case "luhn":
		if check.Last > 0 && check.Last < len(text) {
			text = text[len(text)-check.Last:]
		}
		return only(text, digit) && pseudonym.Luhn(text)
	case "multiple":
		return check.Of > 0 && only(text, digit) && remainder(text, check.Of) == 0
	case "date":
		return dateCheck(check, text)
	case "weighted":
		return weighted(check, text)
	default:
		return modulo(check, text)
	}
}

func remainder(digits string, m int) int {
	n := 0
	for i := range len(digits) {
		n = (n*10 + int(digits[i]-'0')) % m
	}
	return n
}

func value(c byte) int { return int(c - '0') }

var (
	verhoeffTable   = [10]string{"0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210"}
	verhoeffShuffle = [8]string{"0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258"}
)

func verhoeff(digits string) bool {
	if !only(digits, digit) {
		return false
	}
	state := 0
	for i := range len(digits) {
		c := digits[len(digits)-1-i]
		state = value(verhoeffTable[state][value(verhoeffShuffle[i%8][value(c)])])
	}
	return state == 0
}

func iso7064(digits string) bool {
	if len(digits) < 11 || !only(digits[:11], digit) {
		return false
	}
	product := 10
	for i := range 10 {
		total := (value(digits[i]) + product) % 10
		if total == 0 {
			total = 10
		}
		product = total * 2 % 11
	}
	return (11-product)%10 == value(digits[10])
}

func deIDNr(digits string) bool {
	if len(digits) < 10 {
		return false
	}
	counts := make(map[byte]int)
	for i := range 10 {
		counts[digits[i]]++
	}
	repeated := 0
	for _, n := range counts {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	return repeated == 1
}

func nir(text string) bool {
	if len(text) != 15 {
		return false
	}
	department := strings.NewReplacer("2A", "19", "2B", "18").Replace(text[5:7])
	digits := text[:5] + department + text[7:]
	return only(digits, digit) && 97-remainder(digits[:13], 97) == remainder(digits[13:], 100)
}

var oddPlaces = [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}

func codiceFiscale(text string) bool {
	if len(text) != 16 || !only(text, alnum) {
		return false
	}
	total := 0
	for i := range 15 {
		n := int(text[i] - 'A')
		if is(text[i], digit) {
			n = value(text[i])
		}
		if i%2 == 0 {
			n = oddPlaces[n]
		}
		total += n
	}
	return int(text[15])-'A' == total%26
}

func tckn(digits string) bool {
	if len(digits) != 11 || !only(digits, digit) {
		return false
	}
	odd, even, sum := 0, 0, 0
	for i := range 10 {
		n := value(digits[i])
		sum += n
		switch {
		case i == 9:
		case i%2 == 0:
			odd += n
		default:
			even += n
		}
	}
	tenth := ((odd*7-even)%10 + 10) % 10
	return value(digits[9]) == tenth && sum%10 == value(digits[10])
}

func nric(text string) bool {
	if len(text) != 9 || !only(text[1:8], digit) {
		return false
	}
	total := map[byte]int{'T': 4, 'G': 4, 'M': 3}[text[0]]
	for i, weight := range [7]int{2, 7, 6, 5, 4, 3, 2} {
		total += value(text[1+i]) * weight
	}
	switch text[0] {
	case 'M':
		return "KLJNPQRTUWX"[10-total%11] == text[8]
	case 'S', 'T':
		return "JZIHGFEDCBA"[total%11] == text[8]
	}
	return "XWUTRQPNMLK"[total%11] == text[8]
}

func beNRN(digits string) bool {
	if len(digits) != 11 || !only(digits, digit) {
		return false
	}
	last := remainder(digits[9:], 1000)
	return last == 97-remainder(digits[:9], 97) || last == 97-remainder("2"+digits[:9], 97)
}

func pps(text string) bool {
	if len(text) < 8 || !only(text[:7], digit) {
		return false
	}
	total := 0
	for i, weight := range [7]int{8, 7, 6, 5, 4, 3, 2} {
		total += value(text[i]) * weight
	}
	if len(text) > 8 && text[8] != 'W' {
		total += 9 * (int(text[8]) - 'A' + 1)
	}
	return "WABCDEFGHIJKLMNOPQRSTUV"[total%23] == text[7]
}

func dateCheck(check *policy.Check, text string) bool {
	at := check.At
	if at < 0 {
		at += len(text)
	}
	if at < 0 || at+6 > len(text) {
		return false
	}
	day, month := text[at:at+2], text[at+2:at+4]
	if check.Order == "ymd" {
		day = text[at+4 : at+6]
	}
	if !only(day, digit) || !only(month, digit) {
		return false
	}
	months, days := []int{0}, []int{0}
	if check.Loose {
		months, days = []int{0, 20, 40, 50, 60, 80}, []int{0, 40, 60}
	}
	return shifted(month, months, 12) && shifted(day, days, 31)
}

func shifted(digits string, offsets []int, most int) bool {
	n, err := strconv.Atoi(digits)
	return err == nil && slices.ContainsFunc(offsets, func(offset int) bool { return n-offset >= 1 && n-offset <= most })
}

func weighted(check *policy.Check, text string) bool {
	at := check.At
	if at < 0 {
		at += len(text)
	}
	if len(text) < len(check.Weights) || at < 0 || at >= len(text) || check.Mod == 0 {
		return false
	}
	total := 0
	for i, weight := range check.Weights {
		if !is(text[i], digit) {
			return false
		}
		total += value(text[i]) * weight
	}
	if total%check.Mod >= len(check.Table) {
		return false
	}
	wanted := check.Table[total%check.Mod]
	return wanted != '-' && text[at] == wanted
}

// modulo takes all but the last byte: a leading X, Y or Z counts as a digit, other letters are left out.
func modulo(check *policy.Check, text string) bool {
	head := []byte(text[:len(text)-1])
	if len(head) > 0 && head[0] >= 'X' && head[0] <= 'Z' {
		head[0] = '0' + head[0] - 'X'
	}
	digits := slices.DeleteFunc(head, func(c byte) bool { return !is(c, digit) })
	number, ok := new(big.Int).SetString(string(digits), 10)
	if !ok || check.Mod == 0 {
		return false
	}
	n := int(number.Mod(number, big.NewInt(int64(check.Mod))).Int64())
	return n < len(check.Table) && check.Table[n] == text[len(text)-1]
}
