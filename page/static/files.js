// What is to be judged: the files of the list, the policy's text and the moment.
const inputs = (() => {
  const files = []; // {name, role, data}, in the order in which they came
  let api; // the verifier's guesses and bounds

  // read takes one byte more than any evidence may have: the verifier then refuses it by
  // its size, and a page need not hold a film.
  const read = async (file) => new Uint8Array(await file.slice(0, api.largest + 1).arrayBuffer());

  const add = async (list) => {
    for (const file of list) {
      const data = await read(file);
      const role = api.guess(data);
      if (role === 'policy') { // it goes where people can read it
        try {
          document.getElementById('policy').value = new TextDecoder('utf-8', { fatal: true }).decode(data);
          continue;
        } catch { /* it is no text, so it stays a file, and is refused as one */ }
      }
      if (role === 'evidence') { // the next one takes the place of the one before
        const at = files.findIndex((f) => f.role === 'evidence');
        if (at >= 0) files.splice(at, 1);
      }
      files.push({ name: file.name, role, data });
    }
    show();
  };

  const show = () => {
    const rows = files.map((file, i) => {
      const roles = element('select', { id: `role-${i}` }, api.roles.map((role) => {
        const option = element('option', { value: role }, [role]);
        option.selected = role === file.role;
        return option;
      }));
      roles.addEventListener('change', () => { file.role = roles.value; changed(); });
      const gone = element('button', { type: 'button', 'aria-label': `Remove ${plain(file.name)}` }, ['Remove']);
      gone.addEventListener('click', () => { files.splice(i, 1); show(); changed(); document.getElementById('files').focus(); });
      return element('li', {}, [
        element('span', { class: 'name' }, [plain(file.name)]),
        element('span', { class: 'quiet' }, [size(file.data.length)]),
        element('label', { for: `role-${i}` }, ['is']), roles, gone,
      ]);
    });
    document.getElementById('list').replaceChildren(...rows);
    document.getElementById('no-files').hidden = files.length > 0;
  };

  const size = (n) => (api && n > api.largest ? `more than ${api.largest >> 20} MiB` : n < 1024 ? `${n} bytes` : `${Math.ceil(n / 1024)} KiB`);

  // all is what a judgement takes, the policy's text among the files.
  const all = () => {
    const text = document.getElementById('policy').value;
    const policy = text.trim() === '' ? [] : [{ name: 'policy.conf', role: 'policy', data: new TextEncoder().encode(text) }];
    return [...policy, ...files];
  };

  let changed = () => {};
  return {
    add, all,
    any: () => files.length > 0,
    begin: (program, onChange) => { api = program; changed = onChange; },
  };
})();
