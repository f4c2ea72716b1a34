// Package pseudonym maps private values into reserved ranges of their own type, and recognises what it made.
//
//	master key ──HKDF, tenant──► Key ──HMAC(type, value)──► bits ──► a value of the same type
//
// The same value gives the same pseudonym everywhere in a tenant, without a table and without state.
package pseudonym

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"math/big"
	"math/bits"
	"sync"
)

// MinKeyBytes is the least length of a master key.
const MinKeyBytes = 32

// ErrShortKey says that a master key is too short to be one.
var ErrShortKey = errors.New("the redaction key is too short: at least 32 bytes are needed")

// Key is the key of one tenant. It is safe for concurrent use.
type Key struct {
	macs sync.Pool // of *state
	kcv  string
}

// state is a MAC and room for its sum.
type state struct {
	mac hash.Hash
	sum [sha256.Size]byte
	in  []byte
}

// NewKey derives a tenant's key from the master key.
func NewKey(master []byte, tenant string) (*Key, error) {
	if len(master) < MinKeyBytes {
		return nil, ErrShortKey
	}
	derived, err := hkdf.Key(sha256.New, master, []byte("chronicle-redaction-v1"), "tenant\x00"+tenant, 32)
	if err != nil {
		return nil, err
	}
	key := &Key{macs: sync.Pool{New: func() any { return &state{mac: hmac.New(sha256.New, derived)} }}}
	sum := key.mac("chronicle-kcv-v1")
	key.kcv = hex.EncodeToString(sum[:4])
	return key, nil
}

// CheckValue returns the eight hex digits by which two redactors can tell whether they hold the same key.
func (k *Key) CheckValue() string { return k.kcv }

type digest [sha256.Size]byte

func (k *Key) mac(parts ...string) digest {
	s := k.macs.Get().(*state)
	s.mac.Reset()
	s.in = s.in[:0]
	for _, part := range parts {
		s.in = append(s.in, part...)
	}
	s.mac.Write(s.in)
	s.mac.Sum(s.sum[:0])
	d := digest(s.sum)
	clear(s.in) // nobody needs the value any more
	k.macs.Put(s)
	return d
}

// digestOf is D(t, v).
func (k *Key) digestOf(tag, value string) digest {
	return k.mac("v1\x00", tag, "\x00", value)
}

// mod reduces the first 16 bytes, big-endian, modulo m.
func (d digest) mod(m uint64) uint64 {
	hi, lo := d.words()
	_, rem := bits.Div64(hi%m, lo, m)
	return rem
}

func (d digest) words() (hi, lo uint64) {
	for i := range 8 {
		hi = hi<<8 | uint64(d[i])
		lo = lo<<8 | uint64(d[8+i])
	}
	return hi, lo
}

// decimal reduces the first 16 bytes modulo 10^width and pads with zeros to that width.
func (d digest) decimal(width int) string {
	if width <= 0 {
		return ""
	}
	if width <= 19 {
		m := uint64(1)
		for range width {
			m *= 10
		}
		return padded(d.mod(m), width)
	}
	modulus := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(width)), nil)
	text := new(big.Int).Mod(new(big.Int).SetBytes(d[:16]), modulus).String()
	return zeros(width-len(text)) + text
}

const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// letters returns the top 5n bits in the alphabet.
func (d digest) letters(n int) string {
	out := make([]byte, n)
	for i := range out {
		bit := 5 * i
		window := uint16(d[bit/8]) << 8
		if bit/8+1 < len(d) {
			window |= uint16(d[bit/8+1])
		}
		out[i] = alphabet[window>>(11-bit%8)&31]
	}
	return string(out)
}

// check returns n letters that anybody can compute from a text: they tell our own output from look-alikes.
func check(text string, n int) string {
	sum := sha256.Sum256([]byte("chronicle-check-v1\x00" + text))
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[sum[i]&31]
	}
	return string(out)
}
