package compose

import (
	"encoding/json"
	"slices"

	"gitlauncher/verify/compose/exception"
	"gitlauncher/verify/compose/model"
)

// except adds a Problem that an exception of the policy accepts.
func (j *judge) except(where string, e exception.Exception, what, why string) {
	j.add(Problem{Where: where, What: what, Why: why}, e)
}

// open adds a Problem that is none if the policy expects what is there.
func (j *judge) open(where string, e exception.Exception, what, why string, settle ...string) {
	j.add(Problem{Where: where, What: what, Why: why, Open: true, Settle: settle}, e)
}

func (j *judge) add(p Problem, e exception.Exception) {
	p.Name, p.Accept = e.Name, e.Bound()
	if e.Never {
		p.Accept = ""
	} else {
		j.remember(e)
	}
	switch j.allow.On(e) {
	case exception.Accepted:
		p.Accepted, p.Open, p.Settle = true, false, nil
		j.Accepted = append(j.Accepted, p.Accept)
		defer j.needVariables(p.Where, e)
	case exception.ByName:
		p.Open, p.Settle = true, j.settle(e)
		p.Why += "; ALLOW_COMPOSE accepts it by its name alone, and so whatever it is"
	case exception.OtherContent:
		p.Why += "; ALLOW_COMPOSE accepts another content of that name"
	case exception.Unaccepted:
		if p.Open && !e.Never {
			p.Settle = append(p.Settle, "ALLOW_COMPOSE="+p.Accept)
		}
	}
	j.Problems = append(j.Problems, p)
}

// settle returns policy lines, each of which binds a bare name to its content.
func (j *judge) settle(e exception.Exception) (lines []string) {
	if e.Content != nil {
		lines = append(lines, "ALLOW_COMPOSE="+e.Bound())
	}
	if e.File {
		return append(lines, "DOCKER_COMPOSE_SHA256="+j.DockerComposeSHA256)
	}
	return append(lines, "COMPOSE_HASH="+j.hash)
}

// needVariables adds the variables that Compose fills into what was accepted: anyone
// who deploys chooses their values, and no hash covers them.
func (j *judge) needVariables(where string, e exception.Exception) {
	for _, name := range e.Vars {
		j.variable(where, name, "what is accepted gets "+name+", by which the deployer has a say in it")
	}
}

// variable adds a Problem if ALLOWED_ENVS does not have a variable.
func (j *judge) variable(where, name, what string) {
	const why = "anyone who deploys chooses its value, unmeasured"
	p := Problem{Where: where, Name: "allowed_env:" + name, What: what, Why: why}
	switch {
	case slices.Contains(j.expect.Envs, name):
		return
	case !j.expect.EnvsGiven:
		p.Open, p.Settle = true, []string{"ALLOWED_ENVS=" + name}
	default:
		p.Why = "ALLOWED_ENVS does not have it; " + why
	}
	if !slices.ContainsFunc(j.Problems, func(q Problem) bool { return q.Where == p.Where && q.What == p.What && q.Name == p.Name }) {
		j.Problems = append(j.Problems, p)
	}
}

// remember keeps an exception for [Explain].
func (j *judge) remember(e exception.Exception) {
	if !slices.ContainsFunc(j.exceptions, func(have exception.Exception) bool { return have.Name == e.Name }) {
		j.exceptions = append(j.exceptions, e)
	}
}

// appProblem adds a Problem of an app-compose's field.
func (j *judge) appProblem(name string, value json.RawMessage, what, why string) {
	j.except("app-compose", exception.OfJSON(name, value), what, why)
}

// partException returns the exception of a part of a service, or of all of it. It binds
// the part with every definition that it refers to, as the file has them after aliases
// and merges. networks says that the service's networks belong to it, even the default
// one.
func (j *judge) partException(name string, part map[string]any, networks bool) exception.Exception {
	content := j.model.Definitions(part, networks)
	content["service"] = part
	e := exception.Of(name, content)
	if _, extends := part["extends"]; extends {
		e.Content = nil // what the service inherits is elsewhere
	}
	e.File, e.Vars = true, append(model.Variables(content), model.PassedOn(part, content)...)
	if part["env_file"] != nil { // dstack's .env has all of them
		e.Vars = append(e.Vars, j.AllowedEnvs...)
	}
	return e
}

// keyException returns the exception of one key of the launcher's service.
func (j *judge) keyException(key string) exception.Exception {
	part := make(map[string]any)
	if value, there := j.model.Raw(j.Service)[key]; there {
		part[key] = value
	}
	return j.partException("launcher:"+key, part, key == "networks")
}

// topException returns the exception of a top-level key of the compose file.
func (j *judge) topException(key string) exception.Exception {
	part := map[string]any{key: j.model.File[key]}
	e := exception.Of(key, part)
	e.File, e.Vars = true, model.Variables(part)
	return e
}
