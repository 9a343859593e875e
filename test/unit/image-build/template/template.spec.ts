import { describe, expect, it } from 'vitest';
import { namesOf, render, soleName, TemplateError } from '../../../../image-build/template/template.js';

describe('namesOf', () => {
  it('finds what a template reads from outside, apart from what it sets itself', () => {
    const text = `{% set a = b %}{{ a }}{% for x, y in pairs.items() %}{{ x }}{{ loop.index }}{{ z }}{% endfor %}
      {% macro m(p, q=r) %}{{ p }}{{ q }}{% endmacro %}{{ m(1) }}{{ True and range(3) }}`;
    expect([...namesOf(text).needed].sort()).toEqual(['b', 'pairs', 'r', 'z']);
  });

  it('knows what may be missing', () => {
    const names = namesOf(
      "{{ hash | default('current') }}{% if seen is defined %}{{ must }}{% endif %}{{ 'x' in many }}",
    );
    expect([...names.optional].sort()).toEqual(['hash', 'seen']);
    expect([...names.needed].sort()).toEqual(['many', 'must']);
  });

  it.each([
    ['{{ a.__class__ }}', "out of a template's reach"],
    ['{{ unknown() }}', 'can be called'],
    ['{{ a | tojson }}', 'there is no filter tojson'],
    ['{{ a is callable }}', 'there is no test callable'],
    ['{% do a.append(1) %}', 'stands alone'],
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
    expect(render('{{ l }} {{ m }}', { l: ['a', "b'c", 1n, true, null], m: { k: ['v'] } })).toBe(
      `['a', "b'c", 1, True, None] {'k': ['v']}`,
    );
  });

  it('has the filters that scripts use', () => {
    const text =
      "{{ '/a/b c' | basename }} {{ '/a/b' | dirname }} {{ \"it's\" | quote }} {{ 'yes' | bool }} {{ l | to_json }}";
    expect(render(text, { l: ['x'] })).toBe(`b c /a 'it'"'"'s' True ["x"]`);
  });

  // A shadowed name once led to the Function constructor, and from there to this process.
  it.each([
    "{{ ''.constructor.constructor('return process')() }}",
    "{% set range = ''.constructor %}{{ range.constructor('return process')() }}",
    "{% macro m() %}{% endmacro %}{% set m = m.constructor %}{{ m('return process')() }}",
    "{{ a['con' ~ 'structor'] }}",
    "{{ a['constructor']('return 1')() }}",
    "{{ [a] | map(attribute='constructor') | first }}",
    "{{ a | attr('constructor') }}",
    '{{ cycler.constructor }}',
    "{{ a.items.constructor('return process')() }}",
    '{{ namespace(x=1).constructor }}',
    '{% for x in a.__proto__ %}{% endfor %}',
    "{{ '%(constructor)s' % a }}",
    "{{ '{constructor}'.format() }}",
    "{{ a.get('constructor').name }}",
    '{{ dict(__proto__=1).x }}',
  ])('finds nothing of JavaScript behind a value: %s', (text) => {
    expect(() => render(text, { a: { k: 'v' } })).toThrow(TemplateError);
  });

  it.each([
    ["{{ 'x' * 99999999 }}", 'too long'],
    ['{{ 10 ** 99999 }}', 'too large'],
    ['{% for a in range(100000) %}{% for b in range(100000) %}{{ a }}{% endfor %}{% endfor %}', 'steps'],
    ['{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'too deeply'],
    [`{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`, 'too deeply'],
    [`${'{% if 1 %}'.repeat(5000)}`, 'too deeply'],
    ["{{ '%99999999d' % 1 }}", 'too wide'],
    ["{{ 'x' | center(99999999) }}", 'too wide'],
    ['{% set l = [1] %}{% for i in range(64) %}{% set _ = l.extend(l) %}{% endfor %}', 'too long'],
    [
      "{% set ns = namespace(t='x') %}{% for i in range(64) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
      'too long',
    ],
  ])('ends what would not end: %s', (text, words) => {
    expect(() => render(text, {})).toThrow(words);
  });

  it('keeps a list as it was, whatever a template does to it', () => {
    const list = ['a'];
    expect(render('{{ l.append("b") }}{{ l }}', { l: list })).toBe("None['a', 'b']");
    expect(list).toEqual(['a']);
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
