// Package data carries the tables and the default policy that both engines share, byte for byte.
package data

import _ "embed"

var (
	// FoldV1 maps code points to the ASCII byte that they look like, or to nothing.
	//
	//go:embed fold-v1.json
	FoldV1 []byte

	// AreaCodes lists the North American area codes under which 555-01xx is reserved for fiction, in a fixed order.
	//
	//go:embed npa-us-v1.txt
	AreaCodes string

	// PhonesV1 says which telephone numbers are possible and valid.
	//
	//go:embed phones-v1.json
	PhonesV1 []byte

	// TablesV1 holds lengths of account numbers, issuers of cards and well-known sites.
	//
	//go:embed tables-v1.json
	TablesV1 []byte

	// DefaultPolicy is the policy that ships.
	//
	//go:embed default.yaml
	DefaultPolicy []byte
)

// Hashed are the tables whose content is part of a policy's id, by file name.
func Hashed() map[string][]byte {
	return map[string][]byte{
		"fold-v1.json": FoldV1, "npa-us-v1.txt": []byte(AreaCodes), "phones-v1.json": PhonesV1, "tables-v1.json": TablesV1,
	}
}
