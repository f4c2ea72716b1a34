package detect

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/data"
)

// tables are the shipped tables, ready to be asked.
type tables struct {
	ibanLengths map[string]int
	issuers     map[string][]int // prefix → lengths
	schemes     map[string]bool
	people      map[string]bool // segments after which a person is named
	notPeople   map[string]bool
	secretNames map[string]bool // query names whose values are secrets
	looseNames  map[string]bool // those of them that also count outside of URLs
	digests     map[string]bool // segments after which a digest stands
	sites       map[string]bool
	testCards   map[string]bool
	nothing     map[string]bool // values that say that there is none
	nobody      map[string]bool // and those that name a part that anybody could play
	phones      phones
}

type tablesFile struct {
	IBAN         map[string]int       `json:"iban"`
	Cards        [][2]json.RawMessage `json:"cards"`
	URLSchemes   []string             `json:"url_schemes"`
	URLPeople    []string             `json:"url_people"`
	URLNotPeople []string             `json:"url_not_people"`
	URLSecrets   []string             `json:"url_secrets"`
	URLLoose     []string             `json:"url_loose"`
	URLDigests   []string             `json:"url_digests"`
	Sites        []string             `json:"sites"`
	TestCards    []string             `json:"test_cards"`
	Nothing      []string             `json:"nothing"`
	Nobody       []string             `json:"nobody"`
}

// shipped reads the embedded tables once; they were checked when they were made.
var shipped = sync.OnceValues(func() (*tables, error) {
	var file tablesFile
	if err := json.Unmarshal(data.TablesV1, &file); err != nil {
		return nil, fmt.Errorf("tables-v1: %w", err)
	}
	t := &tables{
		ibanLengths: file.IBAN,
		issuers:     make(map[string][]int),
		schemes:     set(file.URLSchemes),
		people:      set(file.URLPeople),
		notPeople:   set(file.URLNotPeople),
		secretNames: set(file.URLSecrets),
		looseNames:  set(file.URLLoose),
		digests:     set(file.URLDigests),
		sites:       set(file.Sites),
		testCards:   set(file.TestCards),
		nothing:     set(file.Nothing),
		nobody:      set(file.Nobody),
	}
	for _, row := range file.Cards {
		if err := t.addIssuer(row); err != nil {
			return nil, fmt.Errorf("tables-v1: %w", err)
		}
	}
	return t, t.phones.load(data.PhonesV1)
})

func (t *tables) addIssuer(row [2]json.RawMessage) error {
	var prefixes string
	var lengths []int
	if err := json.Unmarshal(row[0], &prefixes); err != nil {
		return err
	}
	if err := json.Unmarshal(row[1], &lengths); err != nil {
		return err
	}
	first, last, isRange := strings.Cut(prefixes, "-")
	if !isRange {
		last = first
	}
	from, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	to, err := strconv.Atoi(last)
	if err != nil {
		return err
	}
	for n := from; n <= to; n++ {
		prefix := fmt.Sprintf("%0*d", len(first), n)
		t.issuers[prefix] = append(t.issuers[prefix], lengths...)
	}
	return nil
}

func set(members []string) map[string]bool {
	made := make(map[string]bool, len(members))
	for _, member := range members {
		made[member] = true
	}
	return made
}
