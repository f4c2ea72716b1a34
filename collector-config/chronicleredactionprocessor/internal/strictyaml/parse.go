// Package strictyaml reads the part of YAML that is JSON plus comments, bare member names and bare words, and nothing
// else.
//
// What YAML would guess (yes, dates, floats, anchors, tags, a second member of the same name) is refused: a policy must
// mean the same to every reader.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of values.
const (
	Text Kind = iota
	Integer
	Bool
	Null
	List
	Object
)

// Node is a value and the line on which it stands.
type Node struct {
	Kind    Kind
	Text    string
	Int     int64
	Bool    bool
	Items   []*Node
	Members []Member
	Line    int
}

// Member is a member of an object.
type Member struct {
	Name  string
	Value *Node
}

// Get returns the value of a member, nil if there is none.
func (n *Node) Get(name string) *Node {
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}

// Put sets a member, in the place that it has or at the end.
func (n *Node) Put(name string, to *Node) {
	for i := range n.Members {
		if n.Members[i].Name == name {
			n.Members[i].Value = to
			return
		}
	}
	n.Members = append(n.Members, Member{name, to})
}

// Parse reads one document.
func Parse(text []byte) (*Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the document is empty")
		}
		return nil, err
	}
	var second yaml.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("one document is wanted, there is a second one")
	}
	return value(document.Content[0], "")
}

// Fail makes the error that names place and line.
func Fail(line int, path, format string, args ...any) error {
	if path == "" {
		path = "the policy"
	}
	return fmt.Errorf("%s (line %d): %s", path, line, fmt.Sprintf(format, args...))
}

func value(node *yaml.Node, path string) (*Node, error) {
	switch {
	case node.Anchor != "" || node.Kind == yaml.AliasNode:
		return nil, Fail(node.Line, path, "anchors and aliases are not allowed; write the value out")
	case node.Style&yaml.TaggedStyle != 0:
		return nil, Fail(node.Line, path, "tags are not allowed")
	}
	switch node.Kind {
	case yaml.MappingNode:
		return object(node, path)
	case yaml.SequenceNode:
		made := &Node{Kind: List, Line: node.Line}
		for i, item := range node.Content {
			read, err := value(item, path+"["+strconv.Itoa(i)+"]")
			if err != nil {
				return nil, err
			}
			made.Items = append(made.Items, read)
		}
		return made, nil
	default:
		return scalar(node, path)
	}
}

func object(node *yaml.Node, path string) (*Node, error) {
	made := &Node{Kind: Object, Line: node.Line}
	seen := make(map[string]bool, len(node.Content)/2)
	for i := 0; i < len(node.Content); i += 2 {
		if node.Content[i].Kind != yaml.ScalarNode {
			return nil, Fail(node.Content[i].Line, path, "member names are text")
		}
		name, err := value(node.Content[i], path)
		if err != nil {
			return nil, err
		}
		if name.Kind != Text || name.Text == "<<" {
			return nil, Fail(name.Line, path, "member names are text")
		}
		at := Join(path, name.Text)
		if seen[name.Text] {
			return nil, Fail(name.Line, at, "stands twice")
		}
		seen[name.Text] = true
		member, err := value(node.Content[i+1], at)
		if err != nil {
			return nil, err
		}
		made.Members = append(made.Members, Member{name.Text, member})
	}
	return made, nil
}

// Join names a member in a path.
func Join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

var (
	integer  = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)$`)
	bareWord = regexp.MustCompile(`^[A-Za-z_*][A-Za-z0-9_.*-]*$`)
	doubtful = map[string]bool{"yes": true, "no": true, "on": true, "off": true, "y": true, "n": true, "true": true, "false": true, "null": true}
)

func scalar(node *yaml.Node, path string) (*Node, error) {
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return nil, Fail(node.Line, path, "block text is not allowed; write it in quotes")
	}
	made := &Node{Line: node.Line, Text: node.Value}
	if node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		return made, nil
	}
	switch text := node.Value; {
	case text == "null":
		made.Kind = Null
	case text == "true" || text == "false":
		made.Kind, made.Bool = Bool, text == "true"
	case integer.MatchString(text):
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, Fail(node.Line, path, "%s is too large", text)
		}
		made.Kind, made.Int = Integer, n
	case !bareWord.MatchString(text) || doubtful[strings.ToLower(text)]:
		return nil, Fail(node.Line, path, "%q can be read in more than one way; put it in quotes", text)
	}
	return made, nil
}
