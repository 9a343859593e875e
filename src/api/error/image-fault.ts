import { STATUS_CODES } from 'node:http';

/**
 * A failure in Glance's form, which is webob's (webob/exc.py): a page, or an object for clients that accept JSON only.
 * @param accept the request's header
 */
export function imageFault(
  status: number,
  message: string,
  accept: string | undefined,
): { type: string; body: string } {
  const title = STATUS_CODES[status] ?? '';
  const types = accept ?? '*/*';
  if (types.includes('application/json') && !/text\/html|\*\/\*/.test(types)) {
    return {
      type: 'application/json; charset=UTF-8',
      body: JSON.stringify({ message, code: `${status} ${title}`, title }),
    };
  }
  return {
    type: 'text/html; charset=UTF-8',
    body: `<html>
 <head>
  <title>${status} ${title}</title>
 </head>
 <body>
  <h1>${status} ${title}</h1>
  ${escaped(message)}<br /><br />



 </body>
</html>`,
  };
}

function escaped(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#x27;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
