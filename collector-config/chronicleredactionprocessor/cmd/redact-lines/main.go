// Command redact-lines redacts the JSON strings on standard input, one a line, and writes each back as one.
//
// It runs the engine of the collector processor without a collector, so that engines can be compared.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/engine"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/keys"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "redact-lines:", err)
		os.Exit(1)
	}
}

func run(arguments []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("redact-lines", flag.ContinueOnError)
	kind := flags.String("kind", "text", "what a line is: text or payload")
	file := flags.String("policy", "", "policy file; without it, the default policy")
	keyEnv := flags.String("key-env", "", "environment variable that holds the key")
	keyFile := flags.String("key-file", "", "file that holds the key")
	tenant := flags.String("tenant", "default", "tenant whose pseudonyms are made")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *kind != "text" && *kind != "payload" {
		return fmt.Errorf("--kind is text or payload, not %s", *kind)
	}
	redactor, err := redactor(*file, *keyEnv, *keyFile, *tenant)
	if err != nil {
		return err
	}
	redact := func(text string) string { return redactor.Text(text, "", detect.NewTally()) }
	if *kind == "payload" {
		redact = func(text string) string { return redactor.Payload(text, engine.Options{}, detect.NewTally()) }
	}
	return lines(in, out, redact)
}

func redactor(file, keyEnv, keyFile, tenant string) (*engine.Redactor, error) {
	read, err := policy.Load(file)
	if err != nil {
		return nil, err
	}
	rules, err := detect.Compile(read)
	if err != nil {
		return nil, err
	}
	key, err := keys.Read(keyEnv, keyFile)
	if err != nil {
		return nil, err
	}
	return engine.New(read, rules, key, tenant)
}

// lines reads JSON strings byte for byte: a decoder of a library would replace bad UTF-8 and half characters.
func lines(in io.Reader, out io.Writer, redact func(string) string) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	writer := bufio.NewWriterSize(out, 1<<20)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		line = bytes.TrimSpace(line)
		if len(line) > 0 {
			if len(line) < 2 || line[0] != '"' || line[len(line)-1] != '"' {
				return fmt.Errorf("line %d is no JSON string", number)
			}
			var layer view.Layer
			layer.Unescape(line[1 : len(line)-1])
			spell(writer, redact(string(layer.Out)))
		}
		if errors.Is(err, io.EOF) {
			return writer.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// spell writes a text as a JSON string; bytes of half a character are written as the escape that they came from.
func spell(out *bufio.Writer, text string) {
	_ = out.WriteByte('"')
	for {
		at := halfCharacter(text)
		if at < 0 {
			break
		}
		_, _ = out.WriteString(view.JSONEscape(text[:at]))
		_, _ = fmt.Fprintf(out, `\u%04x`, 0xd000|int(text[at+1]&0x3f)<<6|int(text[at+2]&0x3f))
		text = text[at+3:]
	}
	_, _ = out.WriteString(view.JSONEscape(text))
	_, _ = out.WriteString("\"\n")
}

func halfCharacter(text string) int {
	for at := 0; at+2 < len(text); at++ {
		if text[at] == 0xed && text[at+1] >= 0xa0 && text[at+1] < 0xc0 && text[at+2] >= 0x80 && text[at+2] < 0xc0 {
			return at
		}
	}
	return -1
}
