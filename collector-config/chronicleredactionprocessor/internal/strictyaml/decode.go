package strictyaml

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Decode reads a value into a struct whose fields carry the tag `key:"name"`; unknown members are errors.
func Decode(node *Node, into any) error {
	return decode(node, reflect.ValueOf(into).Elem(), "")
}

func decode(node *Node, into reflect.Value, path string) error {
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return decode(node, into.Elem(), path)
	case reflect.Struct:
		return decodeStruct(node, into, path)
	case reflect.Slice:
		return decodeList(node, into, path)
	case reflect.Interface:
		return nil // options of hooks, which this engine refuses as a whole
	case reflect.String:
		if node.Kind != Text {
			return Fail(node.Line, path, "text is wanted, this is %s", node.kind())
		}
		into.SetString(node.Text)
	case reflect.Bool:
		if node.Kind != Bool {
			return Fail(node.Line, path, "true or false is wanted, this is %s", node.kind())
		}
		into.SetBool(node.Bool)
	default:
		if node.Kind != Integer || into.OverflowInt(node.Int) {
			return Fail(node.Line, path, "an integer is wanted, this is %s", node.kind())
		}
		into.SetInt(node.Int)
	}
	return nil
}

func (n *Node) kind() string {
	return [...]string{Text: "text", Integer: "a number", Bool: "true or false", Null: "nothing", List: "a list", Object: "named members"}[n.Kind]
}

func decodeStruct(node *Node, into reflect.Value, path string) error {
	if node.Kind != Object {
		return Fail(node.Line, path, "named members are wanted, this is %s", node.kind())
	}
	fields := make(map[string]int, into.NumField())
	names := make([]string, 0, into.NumField())
	for i := range into.NumField() {
		if name := into.Type().Field(i).Tag.Get("key"); name != "" {
			fields[name] = i
			names = append(names, name)
		}
	}
	for _, member := range node.Members {
		at := Join(path, member.Name)
		field, known := fields[member.Name]
		if !known {
			slices.Sort(names)
			return Fail(member.Value.Line, at, "unknown; known are %s", strings.Join(names, ", "))
		}
		if err := decode(member.Value, into.Field(field), at); err != nil {
			return err
		}
	}
	return nil
}

func decodeList(node *Node, into reflect.Value, path string) error {
	if node.Kind != List {
		return Fail(node.Line, path, "a list is wanted, this is %s", node.kind())
	}
	list := reflect.MakeSlice(into.Type(), len(node.Items), len(node.Items))
	for i, item := range node.Items {
		if err := decode(item, list.Index(i), path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	into.Set(list)
	return nil
}
