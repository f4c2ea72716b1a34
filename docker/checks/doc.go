// Package checks holds the tests over the files of docker/, which need no engine.
package checks
