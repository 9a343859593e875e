/**
 * The first script of every iPXE client: it tries the configuration of each of its interfaces, named by MAC address
 * with hyphens, until one is found (Ironic's `boot.ipxe`; iPXE commands as in https://ipxe.org/cmd). It has no
 * variables: its paths are relative to the URL it was loaded from.
 */
export const BOOT_IPXE = `#!ipxe
set netid:int32 -1
:next
inc netid
isset \${net\${netid}/mac} || goto none
echo Asking for the configuration of net\${netid}, \${net\${netid}/mac}
chain --autofree pxelinux.cfg/\${net\${netid}/mac:hexhyp} || goto next
:none
echo There is no boot configuration for any interface of this machine.
sleep 5
exit 1
`;
