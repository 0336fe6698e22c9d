using GumbelGan.Engine;
using GumbelGan.Kernels;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Linear scores of what a highway layer carries on, on the CPU, each batch one graph node (<see cref="HighwayScore"/>). It computes what the
/// composed steps of <see cref="MultiRepresentationDiscriminator"/> define. Its gradient has no gradient of its own.
/// </summary>
/// <remarks>N rows, D width. Memory is reused once a batch's backward pass is done.</remarks>
/// <param name="isShared">Whether the transform's matrix is the gate's too.</param>
internal sealed unsafe class FusedHighway(bool isShared) : IDisposable
{
    private readonly RowParallel _parallel = RowParallel.Shared(get_num_threads());
    private readonly Stack<HighwayScore> _idle = [];

    /// <summary>The scores.</summary>
    /// <param name="features">[N, D].</param>
    /// <param name="factors">Of dropout, [N, D]; null drops nothing.</param>
    /// <param name="transform">[D, D].</param>
    /// <param name="second">The bias [D] where the transform is the gate too, else the gate [D, D].</param>
    /// <param name="output">[1, D].</param>
    /// <returns>[N].</returns>
    public Tensor Score(Tensor features, Tensor? factors, Tensor transform, Tensor second, Tensor output)
    {
        int rows = (int)features.shape[0];
        if (!_idle.TryPop(out HighwayScore? kernel) || !kernel.Fits(rows))
        {
            kernel?.Dispose();
            kernel = new HighwayScore(_parallel, rows, (int)features.shape[1], isShared);
        }

        if (is_grad_enabled() && (features.requires_grad || transform.requires_grad))
        {
            return Node.apply([this, kernel, factors is not null, features, factors ?? features, transform, second, output]);
        }

        Tensor scores = Forward(kernel, features, factors, transform, second, output);
        _idle.Push(kernel);
        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryPop(out HighwayScore? kernel))
        {
            kernel.Dispose();
        }
    }

    private static Tensor Forward(HighwayScore kernel, Tensor features, Tensor? factors, Tensor transform, Tensor second, Tensor output)
    {
        int rows = (int)features.shape[0];
        Tensor scores = empty(rows); // [N]
        kernel.Forward(Pointer(features), rows, Pointer(factors), Pointer(transform), Pointer(second), Pointer(output), Pointer(scores));
        return scores;
    }

    private List<Tensor> Backward(HighwayScore kernel, Tensor gradient, List<Tensor> saved, bool drops, bool learns)
    {
        (Tensor features, Tensor transform, Tensor second, Tensor output) = (saved[0], saved[2], saved[3], saved[4]);
        Tensor outer = gradient.contiguous(), ofFeatures = empty(features.shape); // [N], [N, D]
        Tensor[] parameters = learns ? [empty(transform.shape), empty(second.shape), empty(output.shape)] : new Tensor[3];
        kernel.Backward(Pointer(outer), Pointer(features), (int)features.shape[0], drops ? Pointer(saved[1]) : null, Pointer(transform),
            Pointer(second), Pointer(output), new HighwayGradients
            {
                Features = Pointer(ofFeatures),
                Transform = Pointer(parameters[0]),
                Second = Pointer(parameters[1]),
                Output = Pointer(parameters[2]),
            });
        _idle.Push(kernel);
        return [null!, null!, null!, ofFeatures, null!, .. parameters];
    }

    /// <summary>
    /// The graph node: arguments are the owner, the memory, whether anything is dropped, and the tensors of <see cref="Score"/>.
    /// </summary>
    private sealed class Node : FusedNode<Node>
    {
        private const int FirstTensor = 3;
        private const string OwnerKey = "owner", KernelKey = "kernel", DropsKey = "drops", LearnsKey = "learns";

        protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
        {
            Tensor[] tensors = [.. arguments[FirstTensor..].Cast<Tensor>()];
            bool drops = (bool)arguments[2];
            context.save_data(OwnerKey, arguments[0]);
            context.save_data(KernelKey, arguments[1]);
            context.save_data(DropsKey, drops);
            context.save_data(LearnsKey, tensors[2].requires_grad);
            context.save_for_backward([.. tensors]);
            return FusedHighway.Forward((HighwayScore)arguments[1], tensors[0], drops ? tensors[1] : null, tensors[2], tensors[3], tensors[4]);
        }

        protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor gradient) =>
            ((FusedHighway)context.get_data(OwnerKey)).Backward((HighwayScore)context.get_data(KernelKey), gradient, context.get_saved_variables(),
                (bool)context.get_data(DropsKey), (bool)context.get_data(LearnsKey));
    }
}
