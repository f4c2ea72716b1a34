// Package keys reads the master key of redaction from where a configuration says that it is.
package keys

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// Read returns the key that an environment variable or a file holds; line ends after it are not part of it.
func Read(env, file string) ([]byte, error) {
	key, from, err := read(env, file)
	if err != nil {
		return nil, err
	}
	key = bytes.TrimRight(key, "\r\n")
	if len(key) < pseudonym.MinKeyBytes {
		return nil, fmt.Errorf("the key in %s has %d bytes, at least %d are needed: make one with `openssl rand -hex 32`", from, len(key), pseudonym.MinKeyBytes)
	}
	return key, nil
}

func read(env, file string) (key []byte, from string, err error) {
	switch {
	case env != "" && file != "":
		return nil, "", errors.New("key_env and key_file exclude each other")
	case env != "":
		value, set := os.LookupEnv(env)
		if !set || value == "" {
			return nil, "", fmt.Errorf("the environment variable %s, which is to hold the redaction key, is not set", env)
		}
		return []byte(value), "the environment variable " + env, nil
	case file != "":
		key, err := os.ReadFile(file)
		if err != nil {
			return nil, "", fmt.Errorf("cannot read the redaction key: %w", err)
		}
		return key, file, nil
	}
	return nil, "", errors.New("there is no redaction key: set key_env or key_file")
}
