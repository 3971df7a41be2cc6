// The wiring: what people do, and what follows.
(() => {
  const at = (id) => document.getElementById(id);
  const say = (text) => { at('live').textContent = text; };

  // clear takes the last report away: beside other inputs it would be a lie.
  const clear = () => {
    at('report').hidden = true;
    at('problem').replaceChildren();
    for (const id of ['checks', 'chain', 'says']) at(id).replaceChildren();
    for (const id of ['verdict', 'json', 'live']) at(id).textContent = '';
    at('link').value = '';
  };

  const fail = (verdict, why) => {
    at('problem').replaceChildren(element('strong', {}, [verdict]), element('p', {}, [clip(why)]));
  };

  const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('');
  const sha256 = async (data) => hex(await crypto.subtle.digest('SHA-256', data));

  // The link names what was judged by digest, and the moment. It carries no policy and no
  // verdict: these would be its sender's word.
  const linkTo = (files, moment) => {
    const parts = [...files.map((f) => `${f.role}=${f.sha256}`), `at=${moment}`];
    return `${location.protocol === 'file:' ? 'index.html' : location.origin + location.pathname}#${parts.join('&')}`;
  };
  const linked = () => {
    const pairs = location.hash.slice(1).split('&').map((p) => p.split('='));
    return {
      files: pairs.filter(([role, sum]) => /^[a-z-]+$/.test(role) && /^[0-9a-f]{64}$/.test(sum ?? '')).map(([role, sum]) => ({ role, sum })),
      at: pairs.find(([key, value]) => key === 'at' && /^[0-9TZ:.+-]+$/.test(value ?? ''))?.[1],
    };
  };
  const expectLinked = () => {
    const { files, at: moment } = linked();
    at('expected').hidden = files.length === 0;
    at('expected').textContent = files.length === 0 ? ''
      : `The link names ${files.map((f) => `${f.role} ${f.sum.slice(0, 12)}…`).join(', ')}${moment ? `, judged as of ${moment}` : ''}. Give your own copies: this page says whether they are the same.`;
  };
  const compare = (files) => linked().files.map(({ role, sum }) => {
    const mine = files.filter((f) => f.role === role);
    if (mine.some((f) => f.sha256 === sum)) return `The ${role} is the one that the link names.`;
    return mine.length > 0 ? `The ${role} is ANOTHER one than the link names.` : `The link names a ${role} that is not here.`;
  });

  const judge = async () => {
    clear();
    at('state').textContent = 'Judging …';
    try {
      const program = await verifier.start();
      const files = inputs.all();
      const moment = at('at').value.trim() || new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const result = program.judge(files, moment);
      if (result === undefined) throw new Error('the verifier ended, and nothing was judged');
      if (result.error !== undefined) {
        fail(result.code === 3 ? 'NOT VERIFIED: the evidence can’t be read, or is not what it claims to be' : 'UNDECIDED: nothing was judged', result.error);
        return;
      }
      const judged = await Promise.all(files.map(async (f) => ({ name: f.name, role: f.role, sha256: await sha256(f.data) })));
      const r = report.show(result.json, { files: judged, version: program.version, policy: at('policy').value });
      at('link').value = linkTo(judged, r.judged_as_of);
      for (const line of compare(judged)) at('says').append(element('li', {}, [line]));
      say(`${r.verdict}. ${at('root').textContent} ${at('says').textContent}`);
      at('report').focus({ preventScroll: true });
      at('report').scrollIntoView();
    } catch (err) {
      fail('UNDECIDED: nothing was judged', String(err?.message ?? err));
    } finally {
      at('state').textContent = '';
    }
  };

  const take = async (list) => {
    clear();
    await inputs.add(list);
    if (inputs.any()) await judge();
  };

  const begin = async () => {
    expectLinked();
    let program;
    try {
      program = await verifier.start();
    } catch (err) {
      at('state').textContent = '';
      fail('This browser can’t run the verifier', String(err?.message ?? err));
      return;
    }
    inputs.begin(program, clear);
    at('version').textContent = program.version;
    at('keys').tBodies[0].replaceChildren(...program.keys.map((k) => element('tr', {}, [
      element('td', {}, [element('code', {}, [`${k.name}=${k.form}`])]), element('td', {}, [k.help]),
    ])));
    at('files').addEventListener('change', async () => { await take([...at('files').files]); at('files').value = ''; });
    for (const [event, over] of [['dragover', true], ['dragleave', false], ['drop', false]]) {
      document.addEventListener(event, (e) => {
        e.preventDefault();
        at('drop').classList.toggle('over', over);
        if (event === 'drop') take([...e.dataTransfer.files]);
      });
    }
    for (const id of ['policy', 'at']) at(id).addEventListener('input', clear);
    at('inputs').addEventListener('submit', (e) => { e.preventDefault(); judge(); });
    at('print').addEventListener('click', () => window.print());
    at('save').addEventListener('click', () => {
      const url = URL.createObjectURL(new Blob([at('json').textContent], { type: 'application/json' }));
      element('a', { href: url, download: 'report.json' }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
    at('copy').addEventListener('click', async () => {
      at('link').select();
      try {
        await navigator.clipboard.writeText(at('link').value);
        say('The link is copied.');
      } catch {
        say('The link is selected: copy it with the keyboard.');
      }
    });
    window.addEventListener('hashchange', expectLinked);
    window.addEventListener('beforeprint', () => { at('policy-judged').open = true; });
    at('judge').disabled = false;
    at('state').textContent = '';
    document.documentElement.dataset.ready = 'yes';
  };
  begin();
})();
