package composeenv

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gitlauncher/internal/strictyaml"
)

// Var is one variable of a service.
type Var struct {
	Name string
	// Value is what the container gets, if Literal.
	Value string
	// Literal: the value is in the file, and nothing fills it in.
	Literal bool
	// Through: the value is ${NAME}, with this variable's own name and no default.
	Through bool
	// Text is the value as the file has it, or "" where it has none.
	Text string
}

// Values returns the literal values that the services of a compose file give to a
// variable, by the service's name. A service whose value is not literal is left out.
// Errors are *strictyaml.Error, or say which service is malformed.
func Values(composeFile []byte, variable string) (map[string]string, error) {
	file, err := strictyaml.Decode(composeFile)
	if err != nil {
		return nil, err
	}
	services, _ := file["services"].(map[string]any)
	values := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		service, _ := services[name].(map[string]any)
		vars, err := Of(service)
		if err != nil {
			return nil, fmt.Errorf("service %.60q: %w", name, err)
		}
		for _, v := range vars {
			if v.Name == variable && v.Literal {
				values[name] = v.Value
			}
		}
	}
	return values, nil
}

// Of reads the environment of a service that strictyaml decoded: a mapping, or a
// list of NAME=value. Variables come sorted by name. A name that is there twice is
// an error, and so is anything that Compose refuses.
func Of(service map[string]any) ([]Var, error) {
	var vars []Var
	switch environment := service["environment"].(type) {
	case nil:
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(environment)) {
			v, err := ofValue(name, environment[name])
			if err != nil {
				return nil, err
			}
			vars = append(vars, v)
		}
	case []any:
		for _, entry := range environment {
			text, ok := entry.(string)
			if !ok {
				return nil, fmt.Errorf("environment has the entry %.60q, which is not NAME=value", fmt.Sprint(entry))
			}
			vars = append(vars, ofEntry(text))
		}
		slices.SortStableFunc(vars, func(a, b Var) int { return strings.Compare(a.Name, b.Name) })
	default:
		return nil, errors.New("environment is neither a mapping nor a list")
	}
	for i, v := range vars {
		if i > 0 && v.Name == vars[i-1].Name {
			return nil, fmt.Errorf("environment has %.60q twice", v.Name)
		}
	}
	return vars, nil
}

// ofValue reads a mapping's value. Compose fills in only strings, and writes other
// scalars as Go does.
func ofValue(name string, value any) (Var, error) {
	switch value := value.(type) {
	case nil:
		return Var{Name: name}, nil
	case string:
		return ofText(name, value), nil
	case bool, int, float64:
		text := fmt.Sprint(value)
		return Var{Name: name, Value: text, Literal: true, Text: text}, nil
	}
	return Var{}, fmt.Errorf("environment has %.60q, which is neither a string, a number nor a truth value", name)
}

// ofEntry reads an entry of a list. Compose fills in the name, too.
func ofEntry(entry string) Var {
	name, text, assigned := strings.Cut(entry, "=")
	if !assigned {
		return Var{Name: name}
	}
	v := ofText(name, text)
	if strings.Contains(name, "$") {
		v.Literal, v.Through, v.Value = false, false, ""
	}
	return v
}

func ofText(name, text string) Var {
	v := Var{Name: name, Text: text, Through: text == "${"+name+"}"}
	if v.Literal = !FilledIn(text); v.Literal {
		v.Value = strings.ReplaceAll(text, "$$", "$")
	}
	return v
}

// FilledIn reports whether Compose fills something in: the text has a $ that is not
// part of a $$.
func FilledIn(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "$$", ""), "$")
}

// PlainWords reports whether every reader splits a command that is one string into the
// same words: it has no quotes and no signs of a shell, and only blanks and tabs
// between words. Go splits at more characters (U+00A0, say) than Compose does.
func PlainWords(command string) bool {
	return !strings.ContainsFunc(command, func(r rune) bool {
		return r != '\t' && (r < ' ' || r > '~') || strings.ContainsRune("\"'\\;&|<>()#`", r)
	})
}
