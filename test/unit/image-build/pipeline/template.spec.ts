import { describe, expect, it } from 'vitest';
import { namesOf, render, soleName, TemplateError } from '../../../../image-build/pipeline/template.js';

describe('namesOf', () => {
  it('finds what a template reads from outside, apart from what it sets itself', () => {
    const text = `{% set a = b %}{{ a }}{% for x, y in pairs.items() %}{{ x }}{{ loop.index }}{{ z }}{% endfor %}
      {% macro m(p, q=r) %}{{ p }}{{ q }}{% endmacro %}{{ m(1) }}{{ True and range(3) }}`;
    expect([...namesOf(text).needed].sort()).toEqual(['b', 'pairs', 'z']);
  });

  it('knows what may be missing', () => {
    const names = namesOf(
      "{{ hash | default('current') }}{% if seen is defined %}{{ must }}{% endif %}{{ 'x' in many }}",
    );
    expect([...names.optional].sort()).toEqual(['hash', 'seen']);
    expect([...names.needed].sort()).toEqual(['many', 'must']);
  });

  it.each([
    ["{{ ''.constructor.constructor('return process')() }}", 'can be called'],
    ["{{ a['con' ~ 'structor'] }}", 'fixed, harmless name'],
    ["{{ a['constructor'] }}", 'fixed, harmless name'],
    ['{{ a.evaluate() }}', 'can be called'],
    ['{{ unknown() }}', 'can be called'],
    ['{{ (a | groupby("x"))() }}', 'can be called'],
    ["{% include '/etc/passwd' %}", 'stands alone'],
    ["{% import 'x' as y %}", 'stands alone'],
    ["{% extends 'x' %}", 'stands alone'],
  ])('refuses %s', (text, words) => {
    expect(() => namesOf(text)).toThrow(TemplateError);
    expect(() => namesOf(text)).toThrow(words);
  });

  it('names the line of a template that does not parse', () => {
    expect(() => namesOf('one\n{{ a b }}\n')).toThrow(/^line 2: /);
  });
});

describe('render', () => {
  it("does what Ansible's template module does: trims blocks, keeps the rest, escapes nothing", () => {
    const text = "a\n{% if v in ['x', 'y'] %}\nb <{{ list | join(':') }}>\n{% endif %}\nc\n";
    expect(render(text, { v: 'x', list: ['1', '&'] })).toBe('a\nb <1:&>\nc\n');
  });

  it('prints lists and mappings as Python writes them', () => {
    expect(render('{{ l }} {{ m }}', { l: ['a', "b'c", 1, true, null], m: { k: ['v'] } })).toBe(
      `['a', "b'c", 1, True, None] {'k': ['v']}`,
    );
  });

  it('has the filters that scripts use', () => {
    const text =
      "{{ '/a/b c' | basename }} {{ '/a/b' | dirname }} {{ \"it's\" | quote }} {{ 'yes' | bool }} {{ l | to_json }}";
    expect(render(text, { l: ['x'] })).toBe(`b c /a 'it'\\''s' true ["x"]`);
  });

  it('never prints what is not set', () => {
    expect(() => render('{{ nothing }}', {})).toThrow(TemplateError);
  });
});

describe('soleName', () => {
  it('knows a text that is nothing but a reference', () => {
    expect(soleName(' {{ a_1 }} ')).toBe('a_1');
    expect(soleName('{{ a }}/b')).toBeUndefined();
    expect(soleName('{{ a | default(1) }}')).toBeUndefined();
  });
});
