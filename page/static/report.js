// The report, as people read it. All words in it may be a stranger's: they reach the page as
// text, printable characters alone.
const titles = {
  A: ['Quote', 'The quote is genuine'],
  B: ['System', 'The registers are the expected system'],
  C: ['Event log', 'The event log is the register'],
  D: ['Compose', 'The compose is the measured one, and nothing else has the keys'],
  E: ['Launch', 'The launch is the expected one'],
  F: ['Launcher', 'The launcher image is the audited one'],
};
const outcomes = { // word, and rank: the worst of a check's is the check's
  pass: ['ok', 1], note: ['–', 0], undecided: ['?', 2], 'not-allowed': ['NOT ALLOWED', 3], invalid: ['INVALID', 4],
};

function element(name, attributes, children = []) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// plain is the command's rule for what may be shown: nothing that has no shape, or turns
// the text around it.
const plain = (s) => s.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '\uFFFD');
const mostShown = 1500;
const clip = (s) => {
  const text = plain(s);
  return text.length <= mostShown ? text : `${text.slice(0, mostShown)}… (${text.length} characters; the JSON has all)`;
};

const report = (() => {
  const worst = (findings) => findings.reduce((w, f) => (outcomes[f.outcome][1] > outcomes[w][1] ? f.outcome : w), 'note');

  const firstReason = (r) => {
    const outcome = { 1: 'undecided', 3: 'invalid', 4: 'not-allowed' }[r.exit_code];
    const found = r.findings.filter((f) => f.outcome === outcome);
    if (found.length === 0) return '';
    const more = found.length > 1 ? ` (and ${found.length - 1} more, marked ${outcomes[outcome][0]} below)` : '';
    return `${found[0].check}, ${plain(found[0].name)}: ${clip(found[0].why ?? '')}${more}`;
  };

  const launch = (l, verified) => {
    const what = l.mode === 'git' ? `commit ${clip(l.commit)} of ${clip(l.repo_url ?? '')}` : `image ${clip(l.image_digest ?? '')}`;
    return `${verified ? '' : 'claimed: '}${l.binding === 'pinned' ? 'can launch only' : 'launched'} ${what}`;
  };

  const elsewhere = ' UNDER A ROOT THAT IS NOT INTEL\'S';

  const says = (r) => {
    const verified = r.verdict === 'VERIFIED' || r.verdict === `VERIFIED${elsewhere}`;
    const most = 10;
    const lines = r.launches.slice(0, most).map((l) => launch(l, verified));
    if (r.launches.length > most) lines.push(`and ${r.launches.length - most} more launches`);
    if (verified && r.accepted) lines.push(`having accepted: ${clip(r.accepted.join('; '))}`);
    const reason = firstReason(r);
    return reason ? [...lines, reason] : lines;
  };

  const chain = (checks) => Object.keys(titles).map((letter) => {
    const findings = checks[letter] ?? [];
    const outcome = findings.length === 0 ? 'unjudged' : worst(findings);
    const word = outcome === 'unjudged' ? 'not reached' : outcomes[outcome][0];
    const link = element('a', { href: `#check-${letter}` }, [
      element('span', { class: 'letter', 'aria-hidden': 'true' }, [letter]),
      element('span', { class: 'title' }, [element('span', { class: 'unseen' }, [`${letter} `]), titles[letter][0]]),
      element('span', { class: 'outcome' }, [outcome === 'note' ? 'not asked' : word]),
    ]);
    link.addEventListener('click', (e) => { // the address stays: it may name what was judged
      e.preventDefault();
      const section = document.getElementById(`check-${letter}`);
      section.scrollIntoView();
      section.focus({ preventScroll: true });
    });
    return element('li', { class: outcome }, [link]);
  });

  const finding = (f) => {
    const facts = [];
    const fact = (name, text) => facts.push(element('div', {}, [element('dt', {}, [name]), element('dd', {}, [clip(text)])]));
    if (f.expected && f.outcome !== 'pass') fact('expected', f.expected);
    if (f.found) fact('found', f.found);
    if (f.why) fact('why', f.why);
    if (f.outcome === 'not-allowed' && f.accept) fact('accept it with', `ALLOW_COMPOSE=${f.accept}`);
    const most = 10;
    for (const line of (f.settle ?? []).slice(0, most)) fact('settled by', line);
    if ((f.settle ?? []).length > most) fact('settled by', `and ${f.settle.length - most} more lines`);
    return element('li', { class: f.outcome }, [
      element('span', { class: 'outcome' }, [outcomes[f.outcome][0]]),
      element('span', { class: 'name' }, [plain(f.name)]),
      element('dl', {}, facts),
    ]);
  };

  const check = (letter, findings) => element('section', { id: `check-${letter}`, 'aria-labelledby': `title-${letter}`, tabindex: '-1' }, [
    element('h3', { id: `title-${letter}` }, [`${letter}  ${titles[letter][1]}`]),
    findings.length === 0
      ? element('p', { class: 'quiet' }, ['Not reached: the quote is no quote that holds.'])
      : element('ul', { class: 'findings' }, findings.map(finding)),
  ]);

  const show = (text, judged) => {
    const r = JSON.parse(text);
    const checks = Object.groupBy ? Object.groupBy(r.findings, (f) => f.check) : r.findings.reduce((by, f) => ({ ...by, [f.check]: [...(by[f.check] ?? []), f] }), {});
    const at = (id) => document.getElementById(id);
    at('report').className = { VERIFIED: 'good', [`VERIFIED${elsewhere}`]: 'open', UNDECIDED: 'open' }[r.verdict] ?? 'bad';
    at('verdict').textContent = r.verdict;
    at('root').hidden = r.intel;
    at('root').textContent = r.intel ? '' : `${r.verdict.endsWith(elsewhere) ? '' : `${elsewhere.slice(1)}: `}THIS PROVES NOTHING ABOUT HARDWARE`;
    at('says').replaceChildren(...says(r).map((line) => element('li', {}, [line])));
    at('chain').replaceChildren(...chain(checks));
    at('checks').replaceChildren(...Object.keys(titles).map((letter) => check(letter, checks[letter] ?? [])));
    at('judged').tBodies[0].replaceChildren(...judged.files.map((f) => element('tr', {}, [
      element('td', {}, [plain(f.name)]), element('td', {}, [f.role]), element('td', { class: 'hash' }, [f.sha256]),
    ])));
    at('moment').textContent = `${plain(r.evidence)}, judged as of ${r.judged_as_of}, by git-launcher-verify ${judged.version}.`;
    at('policy-judged').querySelector('pre').textContent = judged.policy;
    at('json').textContent = text;
    at('report').hidden = false;
    return r;
  };
  return { show };
})();
