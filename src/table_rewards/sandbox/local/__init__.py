"""The sandbox on this machine: warm interpreters, supervisors, and the policy that holds them."""
