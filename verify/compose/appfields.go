package compose

import (
	"encoding/json"
	"fmt"

	"gitlauncher/verify/compose/appcompose"
	"gitlauncher/verify/compose/exception"
	"gitlauncher/verify/compose/model"
)

// judgeFields judges each field by the table of package appcompose, and keeps its
// value.
func (j *judge) judgeFields(values map[string]json.RawMessage) {
	j.Fields = make(map[string]string)
	for _, name := range model.SortedKeys(values) {
		value := values[name]
		j.Fields[name] = fieldText(value)
		f, known := appcompose.Find(name)
		if !known {
			j.appProblem(name, value, fmt.Sprintf("has the field %.60q", name), "this program does not know it, and so not what it changes")
			continue
		}
		if what, why := f.Judge(value); why != "" {
			j.appProblem(name, value, what, why)
		}
		if note := f.Note(value); note != "" {
			j.Notes = append(j.Notes, note)
		}
	}
}

// fieldText returns a field's value as a policy writes it.
func fieldText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return text
	}
	return string(exception.OfJSON("", value).Content)
}

// preLaunch judges the pre_launch_script.
func (j *judge) preLaunch(script string, allowedEnvs []string) {
	const name, why = "pre_launch_script", "it runs as root beside the guest agent's socket and can do anything, before or instead of the launcher"
	content := exception.OfText(name, []byte(script))
	version := appcompose.PublishedScript(script, j.expect.Scripts)
	if version == "" {
		j.except("app-compose", content, "has a pre_launch_script", why)
		return
	}
	what := "has Phala Cloud's pre_launch_script " + version
	steered := appcompose.Steering(allowedEnvs)
	switch {
	case j.expect.System == Development:
		content.Never = true // anyone who can log in can do anything, whatever the script is
		j.except("app-compose", content, what, "it sets root's password and SSH keys from variables and from the host's user_config, and a development image lets in anyone who has them")
	case steered != "":
		j.except("app-compose", content, what, fmt.Sprintf("with %s in allowed_envs, it does what the deployer says", steered))
	case j.expect.System != Production:
		j.open("app-compose", content, what, "it sets root's password and SSH keys from variables and from the host's user_config, which matters where the image lets anybody log in; nothing here says that it is a production image")
	default:
		j.Notes = append(j.Notes, "app-compose "+what+"; it is a published one, and a production image lets nobody log in with the keys that it sets")
	}
}
