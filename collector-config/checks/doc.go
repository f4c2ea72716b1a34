// Package checks holds the tests over what ships beside the processor: pipelines, the builder's manifest, versions.
//
// It is a module of its own, for it needs the components of the whole collector.
package checks
