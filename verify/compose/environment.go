package compose

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/composeenv"
	"gitlauncher/verify/compose/appcompose"
	"gitlauncher/verify/compose/exception"
)

// environment judges the variables of the launcher's service: the workload gets them,
// and some programs take code, sources or addresses from variables.
func (j *judge) environment(bad func(key, what, why string)) {
	vars, err := composeenv.Of(j.model.Raw(j.Service))
	if err != nil {
		bad("environment", "has an environment that can't be read", err.Error())
		return
	}
	for _, v := range vars {
		j.variableOf(v)
	}
}

// variableOf judges one variable.
func (j *judge) variableOf(v composeenv.Var) {
	where, e := "service "+j.Service, j.envException(v)
	bad := func(what, why string) { j.except(where, e, what, why) }
	switch {
	case !appcompose.IsVariable(v.Name):
		bad(fmt.Sprintf("has a variable of the name %.60q", v.Name), "no shell can set it, and programs read it differently")
	case v.Name == config.ConfigVariable:
		j.configVariable(v, bad)
	case v.Through:
		j.passedThrough(v, bad)
	case !v.Literal:
		bad(fmt.Sprintf("the value of %.60s is filled in at deployment", v.Name), "anyone who deploys chooses it, unmeasured; a variable may be passed on under its own name alone, as NAME: ${NAME}")
	default:
		j.Env = append(j.Env, v.Name+"="+v.Value)
		j.literal(v, e, bad)
	}
}

// envException returns the exception of a variable, in the form of a mapping.
func (j *judge) envException(v composeenv.Var) exception.Exception {
	var value any = v.Text
	if v.Text == "" && !v.Literal {
		value = nil
	}
	return j.partException("launcher:env:"+v.Name, map[string]any{"environment": map[string]any{v.Name: value}}, false)
}

// configVariable takes the config from its variable.
func (j *judge) configVariable(v composeenv.Var, bad func(what, why string)) {
	switch {
	case j.expect.Image:
		bad("has "+config.ConfigVariable, "image mode has no such config")
	case !v.Literal:
		bad("the value of "+config.ConfigVariable+" is filled in at deployment", "Compose fills it in from variables that are not measured; a plain $ is written $$")
	default:
		j.fromEnv = []byte(v.Value)
	}
}

// passedThrough judges NAME: ${NAME}.
func (j *judge) passedThrough(v composeenv.Var, bad func(what, why string)) {
	if appcompose.Dangerous(v.Name) {
		bad(fmt.Sprintf("the value of %.60s is filled in at deployment", v.Name), "anyone who deploys chooses it, unmeasured, and this variable can change what runs, or show secrets")
		return
	}
	j.Passed = append(j.Passed, v.Name)
	j.variable("service "+j.Service, v.Name, fmt.Sprintf("passes on %.60s", v.Name))
}

// literal judges a value that the compose has.
func (j *judge) literal(v composeenv.Var, e exception.Exception, bad func(what, why string)) {
	flag, isFlag := strings.CutPrefix(v.Name, "GIT_LAUNCHER_")
	flag = strings.ToLower(strings.ReplaceAll(flag, "_", "-"))
	switch {
	case v.Name == "PLATFORM" && v.Value != "TEE", isFlag && flag == "platform" && v.Value != "tee":
		bad(v.Name+" is not TEE", "the launch is then not measured")
	case v.Name == "PLATFORM", isFlag && flag == "platform":
	case isFlag && v.Name != strings.ToUpper(v.Name):
		bad("sets "+v.Name+", which is not in upper case", "the launcher does not heed it, and a reader may believe that it does")
	case isFlag:
		j.flag(flag, v.Value, func(what, why string) { bad("sets "+v.Name+what, why) }, func(why string) { j.expected(v, e, why) })
	case slices.Contains([]string{"DSTACK_SIMULATOR_ENDPOINT", "DSTACK_ENDPOINT"}, v.Name):
		bad("sets "+v.Name, "it means another guest agent than the VM's")
	case v.Name == "GODEBUG":
		bad("sets GODEBUG", "it makes the launcher print what it sends, credentials included")
	case !j.expect.Image:
		j.expected(v, e, "the workload gets it, and some programs take code, sources or addresses from variables")
	case v.Name == "DEFAULT_IMAGE_DIGEST":
		j.DefaultImageDigest = v.Value
	case v.Name == "DOCKER_CONTENT_TRUST" && v.Value == "1":
	case v.Name == "TARGET_PLATFORM":
		j.expected(v, e, "it chooses among the images of an index")
	case appcompose.Dangerous(v.Name):
		bad("sets "+v.Name, "the launcher, or its Docker client, heeds it")
	}
}

// expected adds a Problem unless the policy expects a variable with its value.
func (j *judge) expected(v composeenv.Var, e exception.Exception, why string) {
	line := v.Name + "=" + v.Value
	if j.allow.FilePinned || slices.Contains(j.expect.Environment, line) {
		return
	}
	j.open("service "+j.Service, e, fmt.Sprintf("sets %.60s", v.Name), why+"; nobody expects it", "DOCKER_COMPOSE_SHA256="+j.DockerComposeSHA256, "ENVIRONMENT="+line)
}

// oneConfig sets the config of the compose, which a variable or configs may hold.
func (j *judge) oneConfig(bad func(key, what, why string)) {
	switch {
	case j.fromEnv == nil:
		return
	case j.Config != nil && string(j.Config) != string(j.fromEnv):
		bad("configs", "has a config in "+config.ConfigVariable+" and another by configs", "two configs, and one of them counts")
	}
	j.Config, j.ConfigFromEnv = j.fromEnv, true
}
