package pseudonym

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func acme(t *testing.T) *Key {
	t.Helper()
	key, err := NewKey([]byte(strings.Repeat("0", 32)), "acme")
	require.NoError(t, err)
	return key
}

// TestVectors: every type gives the published pseudonym for the published key.
func TestVectors(t *testing.T) {
	key := acme(t)
	assert.Equal(t, "5e03bbd5", key.CheckValue())
	assert.Equal(t, "mm9r9axwfstt6p4ym@dih54qp.example.com", key.Email("maria.keller@kestrel.de"))
	assert.Equal(t, "4000002161683857", key.Card("4539148803436467"))
	assert.Equal(t, "GB42TEST85030139492286", key.IBAN("DE89370400440532013000"))
	assert.Equal(t, "243.46.69.219", key.IPv4("8.8.8.8"))
	assert.Equal(t, "2001:db8:bee7:ea25:792f:b191:8b13:1926",
		key.IPv6([16]byte{0x20, 0x01, 0x48, 0x60, 0x48, 0x60, 14: 0x88, 15: 0x88}))
	assert.Equal(t, "933014603", key.SSN("219099999"))
	assert.Equal(t, "19125550155", key.Phone("12128675309"))
	assert.Equal(t, "chr8ditagnnguqsjcxmdsnichd2", key.Secret("hunter2-correct-horse", ""))
	assert.Equal(t, "993200131690719", key.Integer("int", "123456789012345"))
	assert.Equal(t, "99999999", key.Integer("int", "12345678"))
}

// TestOwnOutputIsRecognised: what a key made is recognised without it, and one changed character is not.
func TestOwnOutputIsRecognised(t *testing.T) {
	key := acme(t)
	email := key.Email("a@b.de")
	assert.True(t, OwnEmail(email))
	assert.False(t, OwnEmail(strings.Replace(email, "m", "n", 1)))
	assert.True(t, OwnCard(key.Card("4539148803436467")))
	assert.False(t, OwnCard("4539148803436467"))
	assert.True(t, OwnIBAN(key.IBAN("DE89370400440532013000")))
	assert.False(t, OwnIBAN("GB43TEST85030139492286"))
	assert.True(t, OwnSSN(key.SSN("219099999")))
	assert.False(t, OwnSSN("219099999"))
	assert.True(t, OwnPhone(key.Phone("12128675309")))
	assert.False(t, OwnPhone("12128675309"))
	for _, prefix := range []string{"", "ghp_"} {
		for _, value := range []string{"x", prefix + strings.Repeat("s", 90)} {
			secret := key.Secret(value, prefix)
			assert.True(t, OwnSecret(secret, prefix), secret)
			assert.False(t, OwnSecret(secret+"x", prefix), secret)
			assert.GreaterOrEqual(t, len(secret), len(value))
		}
	}
	for _, digits := range []string{"1", "12345678901", "123456789012", strings.Repeat("7", 60)} {
		own := key.Integer("int", digits)
		assert.Len(t, own, len(digits))
		assert.True(t, OwnInteger(own), own)
	}
	assert.False(t, OwnInteger("123456789012"))
}

// TestTenants: another tenant's pseudonym of the same value differs.
func TestTenants(t *testing.T) {
	other, err := NewKey([]byte(strings.Repeat("0", 32)), "other")
	require.NoError(t, err)
	assert.NotEqual(t, acme(t).Email("a@b.de"), other.Email("a@b.de"))
}

// TestShortKey: a key of less than 32 bytes is none.
func TestShortKey(t *testing.T) {
	_, err := NewKey([]byte(strings.Repeat("0", 31)), "acme")
	assert.ErrorIs(t, err, ErrShortKey)
}
