/** What the expressions below read. */
export const VARIABLES = {
  n: 7,
  m: -3,
  zero: 0,
  big: 123456789,
  half: 2.5,
  small: 0.1,
  yes: true,
  no: false,
  nothing: null,
  s: 'hello world',
  empty: '',
  mixed: 'Straße ünd Übung',
  quote: `it's "so"`,
  path: '/usr/local/lib/python3/x.tar.gz',
  lines: 'one\n two\n\nthree\n',
  spaced: '  a  b   c ',
  csv: 'a,b,,c',
  emoji: 'a😀b',
  l: [3, 1, 2],
  e: [],
  words: ['banana', 'Apple', 'cherry', 'apple'],
  many: [1, 'a', true, null, 2.5, ['x'], { k: 'v' }],
  pairs: [
    ['a', 1],
    ['b', 2],
  ],
  d: { b: 2, a: 1, c: { x: [10, 20] } },
  de: {},
  users: [
    { name: 'eve', age: 31, tags: ['x', 'y'], admin: true },
    { name: 'Bob', age: 22, tags: [], admin: false },
    { name: 'al', age: 31, tags: ['z'], admin: false },
  ],
  tricky: { items: 1, keys: 'k', 'a.b': 2, '0': 'zero' },
} as const;

/** Expressions one by one: each stands in `{{ }}`. */
export const EXPRESSIONS: readonly string[] = `
1 + 2|1 - 2|2 * 3|7 / 2|6 / 2|7 // 2|-7 // 2|7 // -2|7 % 3|-7 % 3|7 % -3|2 ** 10|2 ** 3 ** 2|2 ** -1|-2 ** 2|10 ** 20
1.5 + 1|0.1 + 0.2|1e3|1e16|1e-5|1.0|100000.0 * 100000000000.0|1.0 * 3|7.5 // 2|-7.5 // 2|7.5 % 2|-7.5 % 2|1 / 3|2 / 3|10 / 4.0
0x1f|0b101|0o17|1_000|1_0.5|-5|+5|- 5|--5|-n|+m|1 - -1|half * 2|half // 1|n / 2|n // 2|m // 2|m % 2|big * big|big ** 2|true + true|yes + 1
1 == 1.0|1 == true|'1' == 1|[1, 2] == [1, 2]|[1] == (1,)|(1, 2) == (1, 2)|{'a': 1} == {'a': 1.0}|none == false|nothing == none|l == [3, 1, 2]
[1, 2] < [1, 3]|[1, 2] < [1]|[2] > [1, 9]|(1, 'a') < (1, 'b')|'a' < 'b'|'a' < 'B'|1 < 2 < 3|1 < 3 < 2|3 > 2 >= 2|1 != 2|'x' != 'x'|1 < 'a'|none < 1|[1] < ['a']
1 in [1, 2]|'a' in 'abc'|'z' not in 'abc'|3 not in l|'a' in d|'z' in d|none in many|2.5 in many|1.0 in l|'' in 'abc'|1 in 'abc'|'x' in {'x': 1}|[1] in [[1]]
true and false|1 and 2|0 and 2|0 or 'x'|'' or []|not 0|not ''|not []|not [0]|not not 1|1 or 2 and 0|yes and no or n|nothing or 'd'|e or l|de or 'none'
'a' ~ 1 ~ none ~ true|1 ~ 2|'a' ~ [1]|1.5 ~ 'x'|'a' 'b' "c"|'a' + 'b'|'a' * 3|3 * 'ab'|[1] * 3|'a' * -1|'a' + 1|[1] + [2]|(1,) + (2,)|[1] + (2,)
'x' if yes else 'y'|'x' if no else 'y'|'x' if l|'x' if e|'a' if no else 'b' if no else 'c'|(1 if yes else 2) + 1|1 if [] else 0|'p' if {} else 'q'
[]|[1, 'a', none, true, 1.0]|(1,)|()|(1, 2)|1, 2|{}|{'a': 1, 2: 'b', none: [], true: 0}|[[], [1]]|{'a': {'b': {}}}|["it's", 'say "x"', 'both \\'"']|['a\\nb', 'tab\\t', '\\\\']
'\\x41\\u00e9\\t.'|"a\\"b"|'it\\'s'|['\\x00\\x7f\\xa0é😀']|'\\q'|['\\u200b']
s[0]|s[-1]|s[1:4]|s[:3]|s[-3:]|s[::2]|s[::-1]|s[10:2]|s[5:1:-1]|s[-100:100]|s[:-1]|s[:]|l[0]|l[-1]|l[1:]|l[::-1]|l[:2]|e[0:1]|l[5:]|(1, 2, 3)[1:]|(1, 2, 3)[0]|emoji[1]|emoji[::-1]|emoji[1:]
l[0:3:0]|l[100]|s[100]|d['b']|d.b|d.c.x|d.c.x[1]|d['c']['x'][0]|d.nope|d['nope']|many[6].k|pairs[1][0]|pairs.0.1|tricky.items|tricky['items']|tricky.keys|tricky['a.b']|tricky['0']|tricky.0|users[0].name|users[-1]['tags'][0]
s.upper()|s.lower()|s.title()|s.capitalize()|s.swapcase()|mixed.upper()|mixed.lower()|mixed.swapcase()|'ßa'.capitalize()|'ÉCOLE'.capitalize()|s.strip()|spaced.strip()|spaced.lstrip()|spaced.rstrip()|'xxaxx'.strip('x')|'abcab'.strip('ba')|'xa'.lstrip('x')|'ax'.rstrip('xa')
s.split()|spaced.split()|csv.split(',')|csv.split(',', 1)|csv.split(',', 2)|spaced.split(none, 1)|spaced.split(' ')|s.split('o', 1)|''.split()|''.split(',')|s.split('')|csv.rsplit(',', 1)|spaced.rsplit(none, 1)|csv.split(sep=',')|csv.split(',', maxsplit=1)|' a b'.split(none, 0)|'a b '.rsplit(none, 1)
lines.splitlines()|lines.splitlines(true)|'a\\r\\nb\\rc'.splitlines()|''.splitlines()|'\\n'.splitlines()
s.replace('o', '0')|s.replace('o', '0', 1)|s.replace('', '-')|'ab'.replace('', '-', 2)|s.replace('zz', 'y')|s.replace('l', '', 2)|s.replace('o', '0', 0)
s.startswith('he')|s.startswith('wo')|s.endswith('ld')|s.startswith(('x', 'he'))|s.endswith(())|s.find('o')|s.rfind('o')|s.find('z')|s.index('w')|s.index('z')|s.find('o', 5)|s.find('o', 5, 6)|s.find('', 3)|s.count('l')|s.count('')|s.count('l', 4)|emoji.find('b')|emoji.count('')|s.rindex('l')|s.find('h', -100)|'ab'.find('', 5)
'7'.zfill(3)|'-7'.zfill(4)|'abc'.zfill(2)|'x'.ljust(3)|'x'.rjust(3, '.')|'x'.center(4)|'ab'.center(5)|'abc'.center(6, '*')|'a'.center(4, '-')|'x'.ljust(3, 'ab')
'a-b-c'.partition('-')|'a-b-c'.rpartition('-')|'abc'.partition('-')|'abc'.rpartition('-')|'abc'.removeprefix('a')|'abc'.removesuffix('bc')|'abc'.removeprefix('x')|','.join(['a', 'b'])|''.join(words)|'-'.join('abc')|','.join([1])|','.join(d)
'abc'.isalpha()|'a1'.isalnum()|'12'.isdigit()|''.isdigit()|'1.5'.isdigit()|'AB'.isupper()|'aB'.islower()|' '.isspace()|'a_1'.isidentifier()|'é'.isalpha()|'abc'.isascii()|'é'.isascii()
'{} {}'.format(1, 'a')|'{0}{1}{0}'.format('a', 'b')|'{x}'.format(x=1)|'{{}}'.format()|'{!r}'.format('a')|'{:>5}'.format('a')|'{} {0}'.format(1)|'{}'.format()|'{a.b}'.format(a=1)
'%s' % 1|'%s %s' % (1, 'a')|'%d' % 3.9|'%05d' % 42|'%-5d|' % 42|'%+d' % 5|'% d' % 5|'%x' % 255|'%X' % 255|'%#x' % 255|'%o' % 8|'%.2f' % 3.14159|'%f' % 1|'%5.1f|' % 2.25|'%05.1f' % -2.5|'%.0f' % 0.5|'%.0f' % 1.5|'%.0f' % 2.5|'%s%%' % 5|'%r' % 'a'|'%.2s' % 'abc'|'%5s|' % 'ab'|'%-5s|' % 'ab'|'%(a)s-%(b)d' % {'a': 1, 'b': 2}|'%s' % [1, 2]|'%s' % (1, 2)|'%s %s' % 1|'x' % 1|'x' % []|'%d' % 'a'|'%c' % 65|'%e' % 1.5|'%s' % {}|'%s' % none|'%i' % true|'%.3d' % 7|'%+.1f' % 0.05|'%' % 1
d.keys()|d.values()|d.items()|d.keys() | list|d.items() | list|d.get('a')|d.get('z')|d.get('z', 5)|d.copy()|d.pop('a')|d.update(z=1)|d.setdefault('q', 1)|d.items() | length|'a' in d.keys()|1 in d.values()|('a', 1) in d.items()|de.items() | list
l.count(1)|l.index(2)|l.index(9)|l.append(4)|l.pop()|l.pop(0)|l.sort()|l.reverse()|l.copy()|l.extend([4])|l.insert(0, 9)|l.remove(1)|(1, 2, 1).count(1)|(1, 2).index(2)|l.append|s.upper|l.__class__|s.__class__.__mro__|d.__init__|''.__class__|l.nope|n.real|n.bit_length()|half.is_integer()|s.encode()|s.casefold()
range(3)|range(3) | list|range(1, 4) | list|range(5, 0, -2) | list|range(0) | list|range(3)[1]|range(10, 13)[-1]|range(3) | length|range(2, 8, 3)|2 in range(3)|range(1000000)|range(1.5)|dict(a=1, b=2)|dict([['a', 1]])|dict({'x': 1}, y=2)
n | abs|m | abs|-2.5 | abs|(-2.5) | abs|m | abs + 1|s | capitalize|'x' | center(5)|s | upper|S | default('u')|nope | default|nope | default('x')|nope | d(5)|empty | default('x')|empty | default('x', true)|zero | default(9, boolean=true)|d.nope | default('z')|d.nope.deep | default('z')|nothing | default('n')|nothing | default('n', true)
d | dictsort|d | length|words | sort|words | sort(case_sensitive=true)|words | sort(reverse=true)|l | sort|l | sort(true)|users | sort(attribute='name') | map(attribute='name') | list|users | sort(attribute='age,name') | map(attribute='name') | list|many | sort|d | sort|{'B': 1, 'a': 2} | dictsort|{'B': 1, 'a': 2} | dictsort(true)|{'x': 2, 'y': 1} | dictsort(by='value')|{'x': 2, 'y': 1} | dictsort(false, 'value', true)
l | first|l | last|e | first|s | first|s | last|d | first|'' | last|l | length|s | length|emoji | length|e | count|nothing | length|n | length
'3' | int|'3.7' | int|'x' | int|'x' | int(5)|'0x1f' | int(base=16)|'ff' | int(0, 16)|'101' | int(base=2)|3.9 | int|-3.9 | int|true | int|none | int|' 42 ' | int|'1_000' | int|'1e3' | int|'' | int|'-5' | int|'+5' | int|'0b11' | int(0, 2)|'017' | int(0, 8)|'12abc' | int|[1] | int
'1.5' | float|'x' | float|'x' | float(2.5)|3 | float|'1e3' | float|'.5' | float|'5.' | float|'inf' | float|'-inf' | float|'nan' | float|none | float|'1_0.5' | float|true | float
42.55 | round|42.55 | round(1)|42.5 | round|43.5 | round|2.675 | round(2)|1.005 | round(2)|42.55 | round(1, 'floor')|42.55 | round(0, 'ceil')|42 | round|42 | round(1)|-0.5 | round|0.5 | round|1.5 | round | int|2.5 | round(method='ceil')|7 | round(method='floor')|(-7.5) | round(0, 'floor')|1e20 | round
words | join|words | join(', ')|l | join('-')|s | join('.')|d | join(',')|users | join(', ', attribute='name')|many | join('|')|e | join(',')|pairs | join|l | join(1)|words | join(d=';')
words | map('upper') | list|words | map('length') | list|users | map(attribute='age') | list|users | map(attribute='tags.0', default='-') | list|users | map(attribute='nope') | list|users | map(attribute='nope', default='q') | list|l | map('string') | join|words | map('replace', 'a', 'X') | list|words | map('nofilter') | list|words | map | list|'abc' | map('upper') | join|d | map('upper') | list|e | map('nofilter') | list
l | select('odd') | list|l | reject('odd') | list|l | select | list|[0, 1, '', 'x', none] | select | list|[0, 1, '', 'x', none] | reject | list|l | select('gt', 1) | list|users | selectattr('admin') | map(attribute='name') | list|users | rejectattr('admin') | map(attribute='name') | list|users | selectattr('age', 'equalto', 31) | list | length|users | selectattr('age', 'lt', 30) | map(attribute='name') | first|users | selectattr('nope', 'defined') | list|words | select('in', ['apple', 'Apple']) | list|l | select('notest') | list
l | sum|[1.5, 2] | sum|users | sum(attribute='age')|l | sum(start=10)|words | sum|e | sum|[0.1, 0.2, 0.3] | sum|[[1], [2]] | sum(start=[])
l | min|l | max|words | min|words | max|words | min(true)|users | max(attribute='age')|e | min|[1, 'a'] | max|(users | min(attribute='age')).name|'hello' | max
words | unique | list|words | unique(true) | list|[1, 1.0, true, 2] | unique | list|users | unique(attribute='age') | map(attribute='name') | list|[[1], [1]] | unique | list
l | reverse | list|s | reverse|d | reverse | list|l | reverse|(1, 2) | reverse | list|l | list|s | list|d | list|(1, 2) | list|none | list|5 | list
range(7) | batch(3) | list|range(7) | batch(3, 'x') | list|range(7) | slice(3) | list|range(7) | slice(3, 'x') | list|e | batch(2) | list|l | slice(5) | list
users | groupby('age')|users | groupby('age') | length|users | groupby('name') | map('first') | list|users | groupby('nope', default=0) | length
s | title|'foo-bar (baz) [qux] {a} <b' | title|'FOO bar' | title|"it's" | title|s | trim|spaced | trim|'xxaxx' | trim('x')|s | truncate(8)|s | truncate(5)|s | truncate(5, true)|s | truncate(5, true, '')|s | truncate(5, false, '..', 0)|'one two three four' | truncate(12, leeway=0)|s | truncate(1)
s | wordcount|lines | wordcount|'' | wordcount|mixed | wordcount|lines | indent|lines | indent(2)|lines | indent(2, true)|lines | indent(2, true, true)|lines | indent('> ')|lines | indent(width=1, blank=true)|'' | indent|n | indent
s | replace('o', '0')|s | replace('o', '0', 1)|n | replace('7', '8')|s | replace('l', 1)|s | replace('o', '0', count=1)|s | lower|n | lower|none | upper|true | string|1.0 | string|l | string
'%s-%s' | format(1, 2)|'%(a)s' | format(a=1)|'%s' | format('x', a=1)|'%d items' | format(3)|'%.1f' | format(2.25)
d | items | list|de | items | list|l | items | list|s | attr('upper')|d | attr('b')|s | wordwrap(5)|s | escape|'<a>' | e|s | safe|s | urlize|l | random|d | tojson|l | pprint|n | filesizeformat|s | nofilter|s | striptags|s | urlencode
nope is defined|n is defined|nope is undefined|nope is not defined|d.nope is defined|d.b is defined|d.nope.deep is defined|nothing is none|n is none|nothing is not none|yes is true|yes is false|no is false|1 is true|yes is boolean|1 is boolean|n is number|half is number|yes is number|n is integer|yes is integer|half is integer|half is float|n is float|s is string|n is string|l is string
l is iterable|s is iterable|n is iterable|d is iterable|l is sequence|s is sequence|d is sequence|d.keys() is sequence|range(2) is sequence|n is sequence|d is mapping|l is mapping|n is odd|n is even|m is odd|half is odd|4 is divisibleby 2|4 is divisibleby(3)|n is divisibleby 7|9 is divisibleby zero
n is eq 7|n is equalto 8|n is ne 8|n is lt 8|n is le 7|n is gt 7|n is ge 7|n is greaterthan 6|n is lessthan 6|1 is in [1, 2]|'a' is in 'abc'|n is in l|'abc' is lower|'aBc' is lower|'ABC' is upper|'' is lower|s is sameas s|none is sameas none|n is callable|range is callable|s is escaped|s is nosuchtest|n is divisibleby 7 and yes|n is odd or no|not n is odd|n is not odd|n is odd is true
nope|nope.x|nope + 1|nope == 1|nope ~ 'a'|not nope|nope or 1|[nope]|[nope][0] | default(1)|nope | upper|nope | join|nope[0]|nope()|s()|n()|'a'()|l[0]()|d.b()|(nope)|nope is none|nope is string
(l | sort)[0]|(l | sort | reverse | list)[0]|l | sort | first|(s | upper)[0:2]|s.upper() | lower|s.split() | map('capitalize') | join(' ')|(1 + 2) * 3|-(1 + 2)|- n | abs|-n ** 2|(-n) ** 2|not 1 == 2|1 + 2 ~ 3|1 ~ 2 + 3|2 * 3 ~ 4|1 < 2 and 2 < 3|1 == 1 == true|'a' ~ 'b' == 'ab'|1 in [1] and 2 not in [1]|not 1 in [2]|1 if 0 else 2 | string ~ 'x'
l | join(',') | upper if yes else ''|{'a': [1, {'b': (1,)}]}['a'][1].b[0]|[x for x in l]|lambda: 1|l[0], l[1]|s is string and s is not none|'a' is string if yes else 0|{**d}|[*l]|f(*l)|1 <> 2|a := 1|n++|5!|@x|'unclosed
'5' | bool|'yes' | string|path | upper|path.split('/')[-1]|path.rsplit('.', 2)[0]|path.split('/')[1:3] | join('/')|quote ~ ''|[quote]|quote | replace('"', '')|[mixed]|[emoji]|mixed | length|mixed[4]|mixed | title|mixed | upper|csv.split(',') | select | list|csv.split(',') | reject('equalto', '') | join(';')
'5' | bool|'Yes' | bool|'y' | bool|1 | bool|1.0 | bool|0 | bool|none | bool|[] | bool|'true' | bool and yes|path | basename|path | dirname|'/' | dirname|'a' | dirname|'//a' | dirname|'/a//b' | dirname|'a/' | basename|quote | quote|s | quote|'' | quote|'a-b_c.d/e' | quote|'é' | quote|n | quote
d | to_json|many | to_json|quote | to_json|mixed | to_json|emoji | to_json|'\x7f\n\x00' | to_json|(1, 2) | to_json|{1: 2, none: 3, true: 4} | to_json|d.keys() | to_json|1.5 | to_json|['<&>'] | to_json
[none] | first|[none] | last|{'a': none}.a|{'a': none}['a']|{'a': none}.get('a', 1)|{'a': none} | items | list|[none][0]|'%s' % (none,)|dict(a=none).a is none|[none] | map('default', 'x') | list|[{'a': none}] | map(attribute='a') | list|[none] | sort|[none, none] | sort|{'a': none}.pop('a', 1)
1.0 == 1|1e2 | int|0.1 * 3|1e22|1e21 + 1|123456789.123|1.5e-7|0.0001|0.00001|-0.0|5e-324|1.7976931348623157e308|1e400|2 ** 0.5|4 ** 0.5|2.0 ** 3|10 % 3.5|-1 // 3.0|0.0 == -0.0|1 // 0|1 % 0|1 / 0|1.0 / 0|0 ** 0|2 ** 100|2 ** 100 / 3|9007199254740993 + 0.0|9007199254740993
`
  .trim()
  .split('\n')
  .flatMap((line) => line.split(/(?<! )\|(?! )/));
