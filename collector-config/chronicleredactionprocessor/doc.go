//go:generate go tool -modfile=../tools/go.mod mdatagen metadata.yaml

// Package chronicleredactionprocessor takes personal data and secrets out of spans and logs, and leaves recordings
// of agent runs replayable: a private value becomes a pseudonym of its own type, JSON stays JSON.
//
//	pdata ──walk──► every string, number and key ──engine──► the same, redacted ──► the next consumer
//	                                                  └──► counts: metrics, chronicle.redaction
package chronicleredactionprocessor // import "github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor"
