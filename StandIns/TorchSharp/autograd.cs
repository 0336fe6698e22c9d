using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public static IDisposable no_grad() => new GradMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    public static bool is_grad_enabled() => NativeMethods.gg_grad_mode() != 0;

    private sealed class GradMode : IDisposable
    {
        private readonly int _previous = NativeMethods.gg_grad_mode();

        internal GradMode(bool on) => NativeMethods.gg_set_grad_mode(on ? 1 : 0);

        public void Dispose() => NativeMethods.gg_set_grad_mode(_previous);
    }

    public static unsafe partial class autograd
    {
        // An exception of a C# backward crosses libtorch as a failure code and is thrown again, itself, on the far side.
        [ThreadStatic]
        private static ExceptionDispatchInfo? s_thrownInBackward;

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            nint[] handles = Handles(tensors)!;
            nint[]? grads = Handles(grad_tensors);
            nint[]? targets = Handles(inputs);
            fixed (nint* first = handles, firstGrad = grads, firstTarget = targets)
            {
                Check(NativeMethods.gg_backward(first, handles.Length, firstGrad, (retain_graph ?? create_graph) ? 1 : 0, create_graph ? 1 : 0, firstTarget, targets?.Length ?? 0));
            }

            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        /// <summary>The gradients of the outputs with respect to the inputs; null entries for inputs that do not matter, where allowed.</summary>
        public static IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] from = Handles(outputs)!, to = Handles(inputs)!;
            nint[]? grads = Handles(grad_outputs);
            nint[] results = new nint[to.Length];
            fixed (nint* firstFrom = from, firstTo = to, firstGrad = grads, firstResult = results)
            {
                Check(NativeMethods.gg_grad(firstFrom, from.Length, firstTo, to.Length, firstGrad, (retain_graph || create_graph) ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, firstResult));
            }

            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return [.. results.Select(handle => handle == 0 ? null! : new Tensor(handle))];
        }

        private static nint[]? Handles(IList<Tensor>? tensors) => tensors?.Select(tensor => tensor is null ? 0 : tensor.Handle).ToArray();

        private static void Check(int failed)
        {
            if (failed == 0)
            {
                return;
            }

            ExceptionDispatchInfo? thrown = s_thrownInBackward;
            s_thrownInBackward = null;
            thrown?.Throw();
            NativeMethods.Check(failed);
        }

        /// <summary>What a custom function's forward leaves for its backward.</summary>
        public class AutogradContext : IDisposable
        {
            private readonly Dictionary<string, object> _data = [];
            private int _savedCount;

            internal AutogradContext()
            {
            }

            internal List<Tensor> NonDifferentiable { get; private set; } = [];

            internal List<Tensor> ToSave { get; private set; } = [];

            /// <summary>The graph node whose backward runs now; what was saved is kept there.</summary>
            internal nint Node { get; set; }

            public bool MaterializeGrads { get; private set; } = true;

            /// <summary>Whether a missing gradient arrives in the backward as zeros (the default) or as an invalid tensor.</summary>
            public void set_materialize_grads(bool value) => MaterializeGrads = value;

            /// <summary>Keeps inputs, outputs or other tensors for the backward; null entries are allowed.</summary>
            public void save_for_backward(List<Tensor> tensors) => ToSave = tensors;

            public void mark_non_differentiable(List<Tensor> tensors) => NonDifferentiable = [.. tensors];

            public void save_data(string key, object value) => _data[key] = value;

            public object get_data(string key) => _data.TryGetValue(key, out object? value) ? value : null!;

            /// <summary>What <see cref="save_for_backward"/> kept, with its history, so that a second derivative can pass through it.</summary>
            /// <exception cref="ExternalException">A saved tensor was changed in place since, or its memory was freed by an earlier backward.</exception>
            public List<Tensor> get_saved_variables()
            {
                var saved = new List<Tensor>(_savedCount);
                for (int i = 0; i < _savedCount && Node != 0; i++)
                {
                    nint tensor;
                    NativeMethods.Check(NativeMethods.gg_saved(Node, i, &tensor));
                    saved.Add(tensor == 0 ? null! : new Tensor(tensor));
                }

                return saved;
            }

            /// <summary>The native node holds what was saved and frees it with the graph.</summary>
            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
            }

            // The graph node owns its own references from here on; the context must not keep the forward's tensors alive.
            internal void Commit()
            {
                _savedCount = ToSave.Count;
                ToSave = [];
                NonDifferentiable = [];
            }
        }

        /// <summary>A differentiable function whose forward and backward are written in C#.</summary>
        public abstract class Function<T>
            where T : Function<T>, new()
        {
            private static readonly T s_instance = new();

            protected Function()
            {
            }

            public abstract string Name { get; }

            /// <summary>Runs the forward without gradients and, where any argument needs one, hangs the backward on its outputs.</summary>
            public static List<Tensor> apply_internal(params object[] vars)
            {
                Tensor[] inputs = [.. vars.OfType<Tensor>().Where(tensor => !tensor.IsInvalid)];
                var context = new AutogradContext();
                List<Tensor> outputs;
                using (no_grad())
                {
                    // An input that is returned as it is gets a history of its own without losing the one it has.
                    outputs = [.. s_instance.forward_internal(context, vars).Select(output => inputs.Contains(output) ? output.detach() : output)];
                }

                byte[] differentiable = [.. outputs.Select(output => context.NonDifferentiable.Contains(output) ? (byte)0 : (byte)1)];
                nint[] inputHandles = Handles(inputs)!, outputHandles = Handles(outputs)!;
                nint[] saved = Handles([.. context.ToSave.Select(tensor => tensor is null || tensor.IsInvalid ? null! : tensor)])!;
                var invocation = new Invocation(context, (IBackward)(object)s_instance, [.. vars.Select(argument => argument is Tensor { IsInvalid: false })]);
                fixed (nint* firstInput = inputHandles, firstOutput = outputHandles, firstSaved = saved)
                fixed (byte* firstDifferentiable = differentiable)
                {
                    NativeMethods.Check(NativeMethods.gg_attach_node(s_instance.Name, firstInput, inputHandles.Length, firstOutput, firstDifferentiable, outputHandles.Length,
                        firstSaved, saved.Length, context.MaterializeGrads ? 1 : 0, GCHandle.ToIntPtr(GCHandle.Alloc(invocation)), &RunBackward, &Release));
                }

                context.Commit();
                GC.KeepAlive(vars);
                return outputs;
            }

            internal abstract List<Tensor> forward_internal(AutogradContext ctx, params object[] vars);

            internal abstract List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs);
        }

        private sealed record Invocation(AutogradContext Context, IBackward Function, bool[] IsTensor);

        // Function<T> is generic, so the native callback reaches it through this.
        internal interface IBackward
        {
            string Name { get; }

            List<Tensor> Run(AutogradContext context, List<Tensor> gradOutputs);
        }

        [UnmanagedCallersOnly]
        private static int RunBackward(nint handle, nint node, nint* gradOutputs, int outputCount, nint* gradInputs, int inputCount)
        {
            int given = 0;
            try
            {
                using DisposeScope scope = NewDisposeScope();
                var incoming = new List<Tensor>(outputCount);
                for (int i = 0; i < outputCount; i++)
                {
                    incoming.Add(new Tensor(gradOutputs[i]));
                }

                var (context, function, isTensor) = (Invocation)GCHandle.FromIntPtr(handle).Target!;
                List<Tensor> outgoing;
                lock (context)
                {
                    context.Node = node;
                    try
                    {
                        outgoing = function.Run(context, incoming);
                    }
                    finally
                    {
                        context.Node = 0;
                    }
                }

                if (outgoing.Count < isTensor.Length || outgoing.Skip(isTensor.Length).Any(IsGiven))
                {
                    throw new NotImplementedException($"Function {function.Name} returned an incorrect number of gradients (expected {isTensor.Length}, got {outgoing.Count})");
                }

                for (int i = 0; i < isTensor.Length; i++)
                {
                    if (!isTensor[i] && IsGiven(outgoing[i]))
                    {
                        throw new NotImplementedException($"Function {function.Name} returned a gradient at position {i + 1}, but the corresponding forward input was not a Tensor");
                    }
                }

                for (int i = 0; i < isTensor.Length; i++)
                {
                    if (isTensor[i])
                    {
                        gradInputs[given++] = IsGiven(outgoing[i]) ? NativeMethods.gg_share(outgoing[i].Handle) : 0;
                    }
                }

                return 0;
            }
            catch (Exception exception)
            {
                s_thrownInBackward = ExceptionDispatchInfo.Capture(exception);
                return 1;
            }
        }

        private static bool IsGiven(Tensor? gradient) => gradient is { IsInvalid: false };

        [UnmanagedCallersOnly]
        private static void Release(nint handle) => GCHandle.FromIntPtr(handle).Free();

        /// <summary>A custom function with one output.</summary>
        public abstract class SingleTensorFunction<T> : Function<T>, IBackward
            where T : SingleTensorFunction<T>, new()
        {
            protected SingleTensorFunction()
            {
            }

            public static Tensor apply(params object[] vars) => apply_internal(vars)[0];

            public abstract Tensor forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, Tensor grad_output);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => [forward(ctx, vars)];

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs[0]);

            string IBackward.Name => Name;

            List<Tensor> IBackward.Run(AutogradContext context, List<Tensor> gradOutputs) => backward_internal(context, gradOutputs);
        }

        /// <summary>A custom function with several outputs.</summary>
        public abstract class MultiTensorFunction<T> : Function<T>, IBackward
            where T : MultiTensorFunction<T>, new()
        {
            protected MultiTensorFunction()
            {
            }

            public static List<Tensor> apply(params object[] vars) => apply_internal(vars);

            public abstract List<Tensor> forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => forward(ctx, vars);

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs);

            string IBackward.Name => Name;

            List<Tensor> IBackward.Run(AutogradContext context, List<Tensor> gradOutputs) => backward_internal(context, gradOutputs);
        }
    }
}
