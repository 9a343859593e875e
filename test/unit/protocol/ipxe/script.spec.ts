// biome-ignore-all lint/suspicious/noTemplateCurlyInString: iPXE's own settings are written so
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bootMac,
  bootUrlWord,
  bootWord,
  bootWords,
  kernelParameter,
  UnsafeBootText,
} from '../../../../src/protocol/ipxe/boot-text.js';
import {
  grubConfigNames,
  ipxeConfigName,
  pxelinuxConfigName,
} from '../../../../src/protocol/ipxe/file-name.js';
import {
  grubBootConfig,
  grubConfig,
  ipxeScript,
  pxelinuxConfig,
  type RamdiskBoot,
} from '../../../../src/protocol/ipxe/script.js';

const boot = (parameters: string): RamdiskBoot => ({
  kernel: bootUrlWord('http://10.77.0.1:8080/7daa1a92/deploy_kernel', 'kernel'),
  ramdisk: bootUrlWord('http://10.77.0.1:8080/7daa1a92/deploy_ramdisk', 'ramdisk'),
  parameters: bootWords(parameters, 'kernel_append_params'),
});

/** The commands of an iPXE script as its own parser finds them: lines that are no comment and no label. */
const commandsOf = (script: string) =>
  script
    .split(/[\n\r]/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#') && !line.startsWith(':'));

describe('boot scripts', () => {
  it('renders iPXE’s as Ironic’s template does, with initrd= for UEFI kernels', () => {
    const script = ipxeScript(boot('nofb vga=normal ipa-api-url=http://10.77.0.1:6386'), 0);
    expect(script.startsWith('#!ipxe\n')).toBe(true);
    expect(script).toContain(
      'kernel http://10.77.0.1:8080/7daa1a92/deploy_kernel nofb vga=normal ipa-api-url=http://10.77.0.1:6386 initrd=deploy_ramdisk BOOTIF=${mac} || goto retry\n',
    );
    expect(script).toContain(
      'initrd --name deploy_ramdisk http://10.77.0.1:8080/7daa1a92/deploy_ramdisk || goto retry\n',
    );
    expect(ipxeScript(boot('a'), 5000)).toContain('kernel --timeout 5000 http://');
  });

  it('renders pxelinux’s and GRUB’s', () => {
    expect(pxelinuxConfig(boot('quiet a=b'))).toContain(
      'append initrd=http://10.77.0.1:8080/7daa1a92/deploy_ramdisk quiet a=b\nipappend 2\n',
    );
    const paths = {
      ...boot('quiet'),
      kernel: bootWord('u/deploy_kernel', 'k'),
      ramdisk: bootWord('u/deploy_ramdisk', 'r'),
    };
    expect(grubConfig(paths)).toContain(
      '    linux (tftp,$net_default_server)/u/deploy_kernel quiet BOOTIF=$net_default_mac\n    initrd (tftp,$net_default_server)/u/deploy_ramdisk\n',
    );
  });

  it.each([
    ['\n', 'U+000a'],
    ['\r', 'U+000d'],
    ['\0', 'U+0000'],
    ['\t', 'U+0009'],
    ['${net0/mac}', '$'],
    ['{{7*7}}', '{'],
    ['<%=', '<'],
    ['&&', '&'],
    ['||', '|'],
    ['#!ipxe', '#'],
    ['"', '"'],
    ["'", "'"],
    ['`id`', '`'],
    ['\\', '\\'],
    [';reboot', ';'],
    ['(hd0)', '('],
    ['\u2028', 'U+2028'],
    ['ä', 'U+00e4'],
  ])('refuses %j wherever it stands', (text, named) => {
    for (const at of [`a${text}`, `${text}b`, `k=${text}`]) {
      expect(() => bootWord(at, 'kernel_append_params')).toThrow(
        `kernel_append_params must not contain ${named}`,
      );
    }
    expect(() => kernelParameter('ipa-api-url', `http://x/${text}`)).toThrow(UnsafeBootText);
    expect(() => bootUrlWord(`http://x/${text}`, 'kernel')).toThrow(UnsafeBootText);
    expect(() => bootMac(`52:54:00:12:34:5${text}`, 'mac')).toThrow(UnsafeBootText);
    expect(() => ipxeConfigName(`52:54:00:12:34:56${text}`)).toThrow(UnsafeBootText);
  });

  it('leads GRUB from its one name to the node’s', () => {
    expect(grubBootConfig()).toContain('source (tftp,$net_default_server)/$net_default_mac.conf\n');
  });

  it('keeps its count of commands and its words whatever a user writes', () => {
    const golden = commandsOf(ipxeScript(boot('nofb'), 0)).length;
    const hostile = fc.string({
      unit: fc.constantFrom(...'ab=/.:,-_ \n\r\0${}&|#"\'\\;()<>`*?!^~%[]@+\t\u2028ä'),
      maxLength: 40,
    });
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ maxLength: 40 }), fc.lorem()), (text) => {
        let script: string;
        try {
          script = ipxeScript(boot(text), 0);
        } catch (error) {
          expect(error).toBeInstanceOf(UnsafeBootText);
          return;
        }
        accepted++;
        const commands = commandsOf(script);
        expect(commands).toHaveLength(golden);
        // Read back as iPXE splits it: the user's words are arguments of `kernel`, each as it was written.
        const words = commands.find((line) => line.startsWith('kernel '))!.split(/\s+/);
        const wanted = text.split(' ').filter((word) => word !== '');
        expect(words.slice(2, 2 + wanted.length)).toEqual(wanted);
        expect(words.slice(2 + wanted.length)).toEqual([
          'initrd=deploy_ramdisk',
          'BOOTIF=${mac}',
          '||',
          'goto',
          'retry',
        ]);
        expect(script.match(/\$\{/g)).toHaveLength(6);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it('refuses what a kernel would cut off', () => {
    expect(() => ipxeScript(boot(Array.from({ length: 300 }, () => 'abcdefgh').join(' ')), 0)).toThrow(
      'the kernel command line is longer than 2047 characters',
    );
    expect(() => bootWord('x'.repeat(1025), 'w')).toThrow('longer than 1024');
    expect(() => kernelParameter('a=b', 'c')).toThrow(UnsafeBootText);
    expect(kernelParameter('quiet', '')).toBe('quiet');
  });

  it.each(['ftp://x/y', 'http://user@x/y', 'http://x/y?z=1', 'http://x/y#z', 'http:///y', 'javascript:1'])(
    'refuses the URL %s',
    (url) => expect(() => bootUrlWord(url, 'url')).toThrow(UnsafeBootText),
  );

  it('names files as boot loaders ask for them', () => {
    expect(ipxeConfigName('52:54:00:AB:CD:EF')).toBe('pxelinux.cfg/52-54-00-ab-cd-ef');
    expect(pxelinuxConfigName('52:54:00:ab:cd:ef', false)).toBe('pxelinux.cfg/01-52-54-00-ab-cd-ef');
    expect(pxelinuxConfigName('52:54:00:ab:cd:ef', true)).toBe('pxelinux.cfg/20-52-54-00-ab-cd-ef');
    expect(grubConfigNames('52:54:00:ab:cd:ef')).toEqual([
      'grub.cfg-01-52-54-00-ab-cd-ef',
      'grub/grub.cfg-01-52-54-00-ab-cd-ef',
      '52:54:00:ab:cd:ef.conf',
    ]);
  });
});
