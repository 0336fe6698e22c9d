using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction
        {
            None, Mean, Sum,
        }

        /// <summary>
        /// A tree of parameters, buffers and submodules, registered under the names of the fields that hold them when the constructor of the
        /// outermost class calls <see cref="RegisterComponents"/>.
        /// </summary>
        public class Module : IDisposable
        {
            private readonly List<(string Name, Parameter Parameter)> _parameters = [];
            private readonly List<(string Name, Tensor Buffer)> _buffers = [];
            private readonly List<(string Name, Module Module)> _modules = [];
            private readonly string _name;
            private bool _areComponentsRegistered;

            protected Module(string name) => _name = name;

            public bool training { get; private set; } = true;

            public string GetName() => _name;

            /// <summary>
            /// Registers what the fields hold now, those of the most derived class first; only the first call has an effect. A name that is already
            /// taken is passed over.
            /// </summary>
            protected virtual void RegisterComponents()
            {
                if (_areComponentsRegistered)
                {
                    return;
                }

                _areComponentsRegistered = true;
                foreach (FieldInfo field in Fields())
                {
                    string fieldName = field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
                    if (IsTaken(fieldName))
                    {
                        continue;
                    }

                    switch (field.GetValue(this))
                    {
                        case Module module:
                            register_module(fieldName, module);
                            break;
                        case Parameter parameter:
                            register_parameter(fieldName, parameter);
                            break;
                        case Tensor buffer:
                            register_buffer(fieldName, buffer);
                            break;
                    }
                }
            }

            private IEnumerable<FieldInfo> Fields()
            {
                for (Type? type = GetType(); type is not null && type != typeof(Module); type = type.BaseType)
                {
                    foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                    {
                        yield return field;
                    }
                }
            }

            private bool IsTaken(string name) =>
                _modules.Exists(known => known.Name == name) || _parameters.Exists(known => known.Name == name) || _buffers.Exists(known => known.Name == name);

            /// <exception cref="ArgumentException">The name is empty or has a dot.</exception>
            /// <exception cref="InvalidOperationException">The name is taken.</exception>
            public void register_module(string name, Module submodule)
            {
                if (string.IsNullOrEmpty(name) || name.Contains('.', StringComparison.Ordinal))
                {
                    throw new ArgumentException($"module name can't be empty or contain \".\", got: \"{name}\"");
                }

                if (_modules.Exists(known => known.Name == name))
                {
                    throw new InvalidOperationException($"Sub-module {name} is already registered.");
                }

                submodule.RegisterComponents();
                _modules.Add((name, submodule));
            }

            /// <exception cref="InvalidOperationException">The name is taken.</exception>
            public void register_parameter(string name, Parameter param)
            {
                if (_parameters.Exists(known => known.Name == name))
                {
                    throw new InvalidOperationException($"Parameter {name} is already registered.");
                }

                // A module outlives the scope in which it happens to be built.
                param.DetachFromDisposeScope();
                _parameters.Add((name, param));
            }

            /// <exception cref="InvalidOperationException">The name is taken.</exception>
            public void register_buffer(string name, Tensor tensor)
            {
                if (_buffers.Exists(known => known.Name == name))
                {
                    throw new InvalidOperationException($"Tensor {name} is already registered.");
                }

                tensor.DetachFromDisposeScope();
                _buffers.Add((name, tensor));
            }

            public IEnumerable<(string name, Module module)> named_children() => _modules;

            /// <summary>Own parameters first, then those of the submodules in the order of registration; a shared one under its first name only.</summary>
            public IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                IEnumerable<(string, Parameter)> own = _parameters, all = own;
                if (recurse)
                {
                    all = own.Concat(_modules.SelectMany(child => child.Module.named_parameters().Select(named => ($"{child.Name}.{named.name}", named.parameter))));
                }

                return all.Where(named => !named.Item2.IsInvalid).DistinctBy(named => named.Item2.Handle);
            }

            public Parameter? get_parameter(string target) => named_parameters().FirstOrDefault(named => named.name == target).parameter;

            public IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(named => named.parameter);

            public IEnumerable<(string name, Tensor buffer)> named_buffers()
            {
                IEnumerable<(string, Tensor)> own = _buffers;
                return own.Concat(_modules.SelectMany(child => child.Module.named_buffers().Select(named => ($"{child.Name}.{named.name}", named.buffer))))
                    .Where(named => !named.Item2.IsInvalid).DistinctBy(named => named.Item2.Handle);
            }

            public Dictionary<string, Tensor> state_dict()
            {
                var state = new Dictionary<string, Tensor>();
                foreach ((string name, Parameter parameter) in named_parameters())
                {
                    state.Add(name, parameter);
                }

                foreach ((string name, Tensor buffer) in named_buffers())
                {
                    state.Add(name, buffer);
                }

                return state;
            }

            public virtual void train(bool train = true)
            {
                training = train;
                foreach ((string _, Module module) in _modules)
                {
                    module.train(train);
                }
            }

            public void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (Parameter parameter in parameters())
                {
                    using Tensor? gradient = parameter.grad;
                    if (gradient is null)
                    {
                        continue;
                    }

                    if (set_to_none)
                    {
                        parameter.grad = null;
                    }
                    else
                    {
                        using IDisposable off = no_grad();
                        gradient.zero_();
                    }
                }
            }

            /// <summary>Moves every parameter and buffer; called through the extension method <c>to</c>, as in TorchSharp.</summary>
            internal void MoveTo(Device device)
            {
                using IDisposable off = no_grad();
                for (int i = 0; i < _parameters.Count; i++)
                {
                    (string name, Parameter parameter) = _parameters[i];
                    if (parameter.device_type == device.type)
                    {
                        continue;
                    }

                    using DisposeScope scope = NewDisposeScope();
                    var moved = new Parameter(parameter.to(device), parameter.requires_grad);
                    moved.DetachFromDisposeScope();
                    ReplaceField(parameter, moved);
                    parameter.Dispose();
                    _parameters[i] = (name, moved);
                }

                for (int i = 0; i < _buffers.Count; i++)
                {
                    (string name, Tensor buffer) = _buffers[i];
                    if (buffer.device_type == device.type)
                    {
                        continue;
                    }

                    Tensor moved = buffer.to(device).DetachFromDisposeScope();
                    ReplaceField(buffer, moved);
                    buffer.Dispose();
                    _buffers[i] = (name, moved);
                }

                foreach ((string _, Module module) in _modules)
                {
                    module.MoveTo(device);
                }
            }

            private void ReplaceField(Tensor old, Tensor moved)
            {
                foreach (FieldInfo field in Fields().Where(field => ReferenceEquals(field.GetValue(this), old)))
                {
                    field.SetValue(this, moved);
                }
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing)
                {
                    return;
                }

                _parameters.ForEach(named => named.Parameter.Dispose());
                _buffers.ForEach(named => named.Buffer.Dispose());
                _modules.ForEach(named => named.Module.Dispose());
            }
        }

        public abstract class Module<T, TResult>(string name) : Module(name)
        {
            public abstract TResult forward(T input);

            public TResult call(T input) => forward(input);
        }

        public abstract class Module<T1, T2, TResult>(string name) : Module(name)
        {
            public abstract TResult forward(T1 input1, T2 input2);

            public TResult call(T1 input1, T2 input2) => forward(input1, input2);
        }

        public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);

        public static Linear Linear(long inputSize, long outputSize, bool hasBias = true) => new(inputSize, outputSize, hasBias);

        public static Embedding Embedding(long num_embeddings, long embedding_dims) => new(num_embeddings, embedding_dims);

        public static LSTMCell LSTMCell(long inputSize, long hiddenSize, bool bias = true) =>
            bias ? new LSTMCell(inputSize, hiddenSize) : throw new NotSupportedException("The stand-in's LSTMCell has biases.");

        public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size) => new(in_channels, out_channels, kernel_size);

        public static class init
        {
            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator? generator = null) => Quietly(tensor, t => t.uniform_(low, high, generator));

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator? generator = null) => Quietly(tensor, t => t.normal_(mean, std, generator));

            public static Tensor constant_(Tensor tensor, Scalar val) => Quietly(tensor, t => t.fill_(val));

            public static Tensor zeros_(Tensor tensor) => Quietly(tensor, t => t.zero_());

            private static Tensor Quietly(Tensor tensor, Action<Tensor> fill)
            {
                using IDisposable off = no_grad();
                fill(tensor);
                return tensor;
            }
        }

        public static class utils
        {
            /// <summary>Scales the gradients so that their joint norm is at most <paramref name="max_norm"/>; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable off = no_grad();
                Tensor[] gradients = [.. tensors.Select(parameter => parameter.grad).OfType<Tensor>()];
                if (gradients.Length == 0)
                {
                    return 0;
                }

                var elements = new FusedPasses.Elements[gradients.Length];
                bool fused = norm_type == 2;
                for (int i = 0; i < gradients.Length; i++)
                {
                    fused = FusedPasses.TryElements(gradients[i], out elements[i]) && fused;
                }

                double total = fused
                    ? Math.Sqrt(FusedPasses.SumOfSquares(elements))
                    : stack(gradients.Select(gradient => gradient.norm((float)norm_type))).norm((float)norm_type).ToDouble();
                double coefficient = max_norm / (total + 1e-6);
                if (coefficient >= 1)
                {
                    return total;
                }

                // A norm that is not a number comes here too and spoils every gradient, as in PyTorch: better than to hide it.
                if (fused)
                {
                    FusedPasses.Scale(elements, (float)coefficient);
                    FusedPasses.BumpVersions(gradients);
                }
                else
                {
                    foreach (Tensor gradient in gradients)
                    {
                        gradient.mul_(coefficient);
                    }
                }

                return total;
            }
        }

        public static class functional
        {
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Operators.Linear.Call(input, weights, bias);

            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null) => Operators.Conv1d.Call(input, weight, bias);

            public static Tensor relu(Tensor x) => x.relu();

            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01) => Operators.LeakyRelu.Call(input, negative_slope);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => Operators.Softplus.Call(x, beta, threshold);

            public static Tensor logsigmoid(Tensor x) => Operators.LogSigmoid.Call(x);

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Operators.OneHot.Call(x, num_classes);

            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean) =>
                Operators.CrossEntropy.Call(input, target, weight, (long)reduction, ignore_index);

            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) =>
                Operators.BinaryCrossEntropyWithLogits.Call(input, target, weight, pos_weights, (long)reduction);
        }
    }

}

public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.Device device)
        where T : torch.nn.Module
    {
        module.MoveTo(device);
        return module;
    }
}
