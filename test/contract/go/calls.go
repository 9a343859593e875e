// Calls of gophercloud's bare metal package as its acceptance tests make them, each told as OK or with its error.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/baremetal/noauth"
	"github.com/gophercloud/gophercloud/openstack/baremetal/v1/allocations"
	"github.com/gophercloud/gophercloud/openstack/baremetal/v1/drivers"
	"github.com/gophercloud/gophercloud/openstack/baremetal/v1/nodes"
	"github.com/gophercloud/gophercloud/openstack/baremetal/v1/ports"
	"github.com/gophercloud/gophercloud/pagination"
)

var results = map[string]string{}

func told(name string, err error) {
	results[name] = "OK"
	if err != nil {
		results[name] = err.Error()
	}
}

func want(name string, ok bool, seen interface{}) {
	results[name] = "OK"
	if !ok {
		results[name] = fmt.Sprintf("%v", seen)
	}
}

func waitFor(client *gophercloud.ServiceClient, id string, state string) error {
	for i := 0; i < 400; i++ {
		node, err := nodes.Get(client, id).Extract()
		if err != nil {
			return err
		}
		if node.ProvisionState == state {
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return fmt.Errorf("never %s", state)
}

func provision(client *gophercloud.ServiceClient, id string, opts nodes.ProvisionStateOpts, state string) error {
	if err := nodes.ChangeProvisionState(client, id, opts).ExtractErr(); err != nil {
		return err
	}
	return waitFor(client, id, state)
}

func main() {
	client, err := noauth.NewBareMetalNoAuth(noauth.EndpointOpts{IronicEndpoint: os.Getenv("OS_ENDPOINT") + "/v1"})
	if err != nil {
		panic(err)
	}
	client.Microversion = "1.72"
	for _, raid := range []string{"agent", "no-raid"} {
		made, err := nodes.Create(client, nodes.CreateOpts{
			Name:          "gopher-" + raid,
			Driver:        "ipmi",
			BootInterface: "pxe",
			RAIDInterface: raid,
			DriverInfo:    map[string]interface{}{"ipmi_port": "6230", "ipmi_username": "admin", "ipmi_password": "admin"},
		}).Extract()
		told("create an ipmi node with raid interface "+raid, err)
		if err == nil && raid == "agent" {
			size := 100
			err = nodes.SetRAIDConfig(client, made.UUID, nodes.RAIDConfigOpts{LogicalDisks: []nodes.LogicalDisk{{
				SizeGB: &size, Controller: "software", RAIDLevel: nodes.RAID1,
			}}}).ExtractErr()
			told("set its target RAID", err)
		}
	}
	node, err := nodes.Create(client, nodes.CreateOpts{Name: "gopher", Driver: "fake-hardware"}).Extract()
	told("create a fake node", err)

	seen := 0
	err = nodes.List(client, nodes.ListOpts{Fields: []string{"uuid", "deploy_interface"}}).EachPage(
		func(page pagination.Page) (bool, error) {
			list, err := nodes.ExtractNodes(page)
			seen += len(list)
			return true, err
		})
	told("list fields of nodes", err)
	want("list all of them", seen == 3, seen)
	err = nodes.ListDetail(client, nodes.ListOpts{}).EachPage(func(page pagination.Page) (bool, error) {
		_, err := nodes.ExtractNodes(page)
		return true, err
	})
	told("list nodes in detail", err)

	for _, deploy := range []string{"ramdisk", "custom-agent", "direct"} {
		changed, err := nodes.Update(client, "gopher", nodes.UpdateOpts{
			nodes.UpdateOperation{Op: nodes.ReplaceOp, Path: "/deploy_interface", Value: deploy},
		}).Extract()
		told("change the deploy interface to "+deploy, err)
		if err == nil {
			want("it is "+deploy, changed.DeployInterface == deploy, changed.DeployInterface)
		}
	}
	_, err = nodes.Validate(client, "gopher").Extract()
	told("validate", err)
	port, err := ports.Create(client, ports.CreateOpts{NodeUUID: node.UUID, Address: "52:54:00:12:34:99"}).Extract()
	told("create a port", err)
	err = ports.List(client, ports.ListOpts{Fields: []string{"uuid", "address"}}).EachPage(
		func(page pagination.Page) (bool, error) {
			_, err := ports.ExtractPorts(page)
			return true, err
		})
	told("list fields of ports", err)
	told("delete the port", ports.Delete(client, port.UUID).ExtractErr())

	told("manage", provision(client, node.UUID, nodes.ProvisionStateOpts{Target: nodes.TargetManage}, "manageable"))
	told("set the boot device", nodes.SetBootDevice(client, node.UUID, nodes.BootDeviceOpts{BootDevice: "pxe", Persistent: false}).ExtractErr())
	device, err := nodes.GetBootDevice(client, node.UUID).Extract()
	told("get the boot device", err)
	want("it is pxe", err == nil && device.BootDevice == "pxe", device)
	_, err = nodes.GetSupportedBootDevices(client, node.UUID).Extract()
	told("get supported boot devices", err)
	told("inject an NMI", nodes.InjectNMI(client, node.UUID).ExtractErr())
	told("power on", nodes.ChangePowerState(client, node.UUID, nodes.PowerStateOpts{Target: nodes.PowerOn}).ExtractErr())

	err = drivers.ListDrivers(client, drivers.ListDriversOpts{Detail: true}).EachPage(func(page pagination.Page) (bool, error) {
		_, err := drivers.ExtractDrivers(page)
		return true, err
	})
	told("list drivers", err)
	_, err = drivers.GetDriverProperties(client, "ipmi").Extract()
	told("get properties of a driver", err)
	_, err = drivers.GetDriverDiskProperties(client, "fake-hardware").Extract()
	told("get disk properties of a driver", err)

	allocation, err := allocations.Create(client, allocations.CreateOpts{Name: "gopher", ResourceClass: "nosuch"}).Extract()
	told("create an allocation", err)
	if err == nil {
		err = allocations.List(client, allocations.ListOpts{Fields: []string{"uuid", "state"}}).EachPage(
			func(page pagination.Page) (bool, error) {
				_, err := allocations.ExtractAllocations(page)
				return true, err
			})
		told("list fields of allocations", err)
		told("delete the allocation", allocations.Delete(client, allocation.UUID).ExtractErr())
	}
	told("delete a node", nodes.Delete(client, "gopher-agent").ExtractErr())
	json.NewEncoder(os.Stdout).Encode(results)
}
