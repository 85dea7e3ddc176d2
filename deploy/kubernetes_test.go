package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"monarch/internal/config"
)

// object is one of Kubernetes, of which the rest is read according to its kind.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name   string
		Labels map[string]string
	}
	Data map[string]string
	Spec map[string]any
}

type service struct {
	Type                     string
	ClusterIP                string `yaml:"clusterIP"`
	PublishNotReadyAddresses bool   `yaml:"publishNotReadyAddresses"`
	ExternalTrafficPolicy    string `yaml:"externalTrafficPolicy"`
	SessionAffinity          string `yaml:"sessionAffinity"`
	Selector                 map[string]string
	Ports                    []struct {
		Name       string
		Port       int
		TargetPort string `yaml:"targetPort"`
	}
}

type probe struct {
	HTTPGet          struct{ Path, Port string } `yaml:"httpGet"`
	PeriodSeconds    int                         `yaml:"periodSeconds"`
	FailureThreshold int                         `yaml:"failureThreshold"`
}

type container struct {
	Name, Image string
	Args        []string
	Env         []variableOf
	Ports       []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	StartupProbe    probe `yaml:"startupProbe"`
	ReadinessProbe  probe `yaml:"readinessProbe"`
	LivenessProbe   probe `yaml:"livenessProbe"`
	Resources       any
	SecurityContext map[string]any `yaml:"securityContext"`
	VolumeMounts    []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		SubPath   string `yaml:"subPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type variableOf struct {
	Name, Value string
	ValueFrom   struct {
		FieldRef struct {
			FieldPath string `yaml:"fieldPath"`
		} `yaml:"fieldRef"`
		SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
	} `yaml:"valueFrom"`
}

type statefulSet struct {
	ServiceName         string `yaml:"serviceName"`
	Replicas            int
	PodManagementPolicy string            `yaml:"podManagementPolicy"`
	UpdateStrategy      map[string]string `yaml:"updateStrategy"`
	Selector            struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	Template struct {
		Metadata struct{ Labels map[string]string }
		Spec     struct {
			TerminationGracePeriodSeconds int  `yaml:"terminationGracePeriodSeconds"`
			AutomountServiceAccountToken  bool `yaml:"automountServiceAccountToken"`
			SecurityContext               struct {
				RunAsNonRoot   bool `yaml:"runAsNonRoot"`
				RunAsUser      int  `yaml:"runAsUser"`
				RunAsGroup     int  `yaml:"runAsGroup"`
				FSGroup        int  `yaml:"fsGroup"`
				SeccompProfile any  `yaml:"seccompProfile"`
			} `yaml:"securityContext"`
			Affinity   any
			Containers []container
			Volumes    []map[string]any
		}
	}
	VolumeClaimTemplates []any `yaml:"volumeClaimTemplates"`
}

const manifest = "kubernetes/monarch.yaml"

// find returns the object of a kind and a name.
func find(t *testing.T, all []object, kind, name string) object {
	t.Helper()
	i := slices.IndexFunc(all, func(o object) bool { return o.Kind == kind && o.Metadata.Name == name })
	if i < 0 {
		t.Fatalf("there is no %s %s", kind, name)
	}
	return all[i]
}

func TestKubernetesConfiguration(t *testing.T) {
	all := documents[object](t, manifest)
	var set statefulSet
	strict(t, find(t, all, "StatefulSet", "monarch").Spec, &set)
	pod := set.Template.Spec.Containers[0]
	file := filepath.Join(t.TempDir(), "monarch.toml")
	text := find(t, all, "ConfigMap", "monarch").Data[filepath.Base(pod.Args[2])]
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range set.Replicas {
		name := fmt.Sprint("monarch-", i)
		environment := make(map[string]string)
		for _, v := range pod.Env {
			value := strings.ReplaceAll(v.Value, "$(NODE)", name)
			switch v.ValueFrom.SecretKeyRef.Key {
			case "database-url":
				value = "postgres://monarch@db.example.com/monarch"
			case "cluster-secret":
				value = "0123456789abcdef"
			}
			environment[v.Name] = value
		}
		c := load(t, file, environment)
		if c.Cluster.Node != name || c.Cluster.Peers[i] != name+"."+set.ServiceName+":6222" || c.Notification.Advertise != name+".im.example.com:1864" {
			t.Errorf("%s: %+v, %+v", name, c.Cluster, c.Notification)
		}
		ports(t, pod, c)
	}
	for _, mount := range pod.VolumeMounts {
		known := mount.Name == "data" || slices.ContainsFunc(set.Template.Spec.Volumes, func(v map[string]any) bool { return v["name"] == mount.Name })
		if !known {
			t.Errorf("there is no volume %s", mount.Name)
		}
	}
}

// ports compares a pod's with those that its configuration has the server listen on.
func ports(t *testing.T, pod container, c config.Config) {
	t.Helper()
	listens := map[string]string{
		"dispatch": c.Dispatch.Listen, "notification": c.Notification.Listen, "switchboard": c.Switchboard.Listen, "https": c.Passport.HTTPSListen,
		"http": c.Passport.HTTPListen, "web": c.Web.Listen, "cluster": c.Cluster.Listen, "ops": c.Ops.Listen,
	}
	for _, p := range pod.Ports {
		if listens[p.Name] != fmt.Sprint(":", p.ContainerPort) {
			t.Errorf("%s is port %d of the pod, and the server listens on %q", p.Name, p.ContainerPort, listens[p.Name])
		}
		delete(listens, p.Name)
	}
	if len(listens) > 0 {
		t.Errorf("the pod does not tell of %v", listens)
	}
}

func TestKubernetesServices(t *testing.T) {
	all := documents[object](t, manifest)
	var set statefulSet
	strict(t, find(t, all, "StatefulSet", "monarch").Spec, &set)
	pod := set.Template.Spec.Containers[0]
	named := make(map[string]bool)
	for _, p := range pod.Ports {
		named[p.Name] = true
	}
	for _, o := range all {
		if o.Kind != "Service" {
			continue
		}
		var s service
		strict(t, o.Spec, &s)
		if s.Selector["app"] != set.Template.Metadata.Labels["app"] {
			t.Errorf("%s selects %v", o.Metadata.Name, s.Selector)
		}
		for _, p := range s.Ports {
			if !named[p.TargetPort] {
				t.Errorf("%s: the pod has no port %s", o.Metadata.Name, p.TargetPort)
			}
		}
	}
	for i := range set.Replicas {
		var own service
		name := fmt.Sprint("monarch-", i)
		strict(t, find(t, all, "Service", name).Spec, &own)
		if own.Selector["statefulset.kubernetes.io/pod-name"] != name {
			t.Errorf("%s selects %v", name, own.Selector)
		}
	}
	var headless service
	strict(t, find(t, all, "Service", set.ServiceName).Spec, &headless)
	if headless.ClusterIP != "None" || !headless.PublishNotReadyAddresses {
		t.Errorf("nodes that start do not find each other by %+v", headless)
	}
	for want, p := range map[string]probe{"/healthz": pod.LivenessProbe, "/readyz": pod.ReadinessProbe} {
		if p.HTTPGet.Path != want || p.HTTPGet.Port != "ops" {
			t.Errorf("%+v, want one of %s", p, want)
		}
	}
}

func TestKubernetesNeedsNoRoot(t *testing.T) {
	all := documents[object](t, manifest)
	var set statefulSet
	strict(t, find(t, all, "StatefulSet", "monarch").Spec, &set)
	spec := set.Template.Spec
	if !spec.SecurityContext.RunAsNonRoot || spec.AutomountServiceAccountToken {
		t.Errorf("%+v", spec.SecurityContext)
	}
	c := spec.Containers[0].SecurityContext
	if c["allowPrivilegeEscalation"] != false || c["readOnlyRootFilesystem"] != true {
		t.Errorf("%+v", c)
	}
	budget := find(t, all, "PodDisruptionBudget", "monarch").Spec
	if budget["maxUnavailable"] != 1 {
		t.Errorf("%+v", budget)
	}
}
