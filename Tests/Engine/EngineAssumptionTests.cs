using System.Runtime.InteropServices;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Training;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Engine;

/// <summary>What we rely on in TorchSharp and could not notice otherwise until a result is wrong.</summary>
public sealed class EngineAssumptionTests
{
    [Fact]
    public void A_node_of_ours_hands_its_gradient_to_each_input_and_is_called_once()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([1f, 2, 3], requires_grad: true), y = tensor([4f, 5, 6], requires_grad: true);
        var calls = new List<string>();
        Tensor product = FusedNode.Apply(
            () =>
            {
                calls.Add("forward");
                return x * 7;
            },
            gradient =>
            {
                calls.Add("backward");
                return [gradient * y, null];
            },
            x,
            y);
        (product * 2).sum().backward();
        Assert.Equal([8f, 10, 12], x.grad!.data<float>().ToArray());
        Assert.Null(y.grad);
        Assert.Equal(["forward", "backward"], calls);
    }

    [Fact]
    public void What_a_backward_pass_of_ours_throws_comes_out_of_the_update_and_changes_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        using var layer = new OneWeight();
        using var optimizer = new AdamOptimizer(layer, 0.1);
        Tensor loss = FusedNode.Apply(
            () => layer.Weight.clone(), _ => throw new InvalidOperationException("thrown in a backward pass"), layer.Weight).sum();
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(() => optimizer.Minimise(loss, 1));
        Assert.Equal("thrown in a backward pass", failure.Message);
        Assert.Equal([1f, -2], layer.Weight.data<float>().ToArray());
        Assert.True(optimizer.Minimise((layer.Weight * layer.Weight).sum(), 1).IsFinite);
    }

    [Fact]
    public void A_scope_frees_what_was_made_in_it_but_for_what_was_moved_out_and_both_are_counted()
    {
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Tensor moved, freed;
        using (DisposeScope outer = NewDisposeScope())
        {
            using (NewDisposeScope())
            {
                freed = ones(3);
                moved = (freed + 1).MoveToOuterDisposeScope();
            }

            Assert.True(freed.IsInvalid);
            Assert.False(moved.IsInvalid);
            Assert.Equal(before + 1, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }

        Assert.True(moved.IsInvalid);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Parameters_are_registered_under_the_names_of_their_fields_in_PyTorchs_order()
    {
        using var generator =
            new LstmGenerator(new LstmGeneratorOptions { Embedding = 2, Hidden = 3, Layers = 2 }, new SequenceFormat(5, 4, 1, 2, 0),
                new RandomKey(1));
        Assert.Equal(
            [
                "embedding.weight", "output.weight", "output.bias", "cell0.weight_ih", "cell0.weight_hh", "cell0.bias_ih", "cell0.bias_hh",
                "cell1.weight_ih", "cell1.weight_hh", "cell1.bias_ih", "cell1.bias_hh",
            ],
            generator.named_parameters().Select(named => named.name).OrderBy(Order));

        // Which of two modules comes first is no promise of TorchSharp; which parameter of one is.
        static int Order(string name) => Array.IndexOf(["embedding", "output", "cell0", "cell1"], name.Split('.')[0]);
    }

    [Fact]
    public void Bytes_are_the_tensors_own_memory_not_a_copy_and_a_view_begins_where_it_begins()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor table = arange(12, ScalarType.Float32).reshape(3, 4);
        MemoryMarshal.Cast<byte, float>(table.bytes)[5] = 50;
        Assert.Equal(50, table[1, 1].item<float>());
        Assert.Equal([8f, 9, 10, 11], TensorMemory.Numbers(table.narrow(0, 2, 1)).ToArray());
        Assert.Throws<InvalidOperationException>(() => table.t().bytes.Length);
    }

    [Fact]
    public void A_seeded_generator_decides_what_a_tensor_is_filled_with()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(Drawn(5, 0), Drawn(5, 1));
        Assert.NotEqual(Drawn(5, 0), Drawn(6, 0));

        static float[] Drawn(ulong seed, int others)
        {
            _ = rand(1 + others);
            using Generator generator = new(seed);
            Tensor filled = empty(20).normal_(0, 1, generator);
            return cat([filled, empty(20).uniform_(0, 1, generator), empty(20).exponential_(1, generator)]).data<float>().ToArray();
        }
    }

    [Fact]
    public void Weight_decay_leaves_biases_alone()
    {
        using DisposeScope scope = NewDisposeScope();
        using TorchSharp.Modules.Linear layer = nn.Linear(2, 2);
        float[] weight = layer.weight!.data<float>().ToArray(), bias = layer.bias!.data<float>().ToArray();
        using var optimizer = new AdamOptimizer(layer, 0.5, weightDecay: 0.2);
        // Gradients of zero: Adam itself stands still.
        optimizer.Minimise((layer.weight!.sum() + layer.bias!.sum()) * 0, 1);
        Assert.Equal([.. weight.Select(value => value * 0.9f)], layer.weight!.data<float>().ToArray());
        Assert.Equal(bias, layer.bias!.data<float>().ToArray());
    }

    [Fact]
    public void A_gradient_can_be_differentiated_again_where_the_graph_is_asked_for_and_kept()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([3f], requires_grad: true);
        Tensor first = autograd.grad([x.pow(3).sum()], [x], retain_graph: true, create_graph: true)[0];
        (first * first).sum().backward();
        // d/dx (3 x^2)^2 = 36 x^3
        Assert.Equal(972, x.grad!.item<float>());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    public void Our_Adam_makes_TorchSharps_steps_with_and_without_decay_and_goes_on_from_a_file(double weightDecay)
    {
        using DisposeScope scope = NewDisposeScope();
        using OneWeight ours = new(), theirs = new();
        using OptimizerHelper reference = weightDecay == 0
            ? optim.Adam(theirs.parameters(), 0.1, 0.5) : optim.AdamW(theirs.parameters(), 0.1, 0.5, weight_decay: weightDecay);
        var optimizer = new AdamOptimizer(ours, 0.1, 0.5, weightDecay);
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "optimizer.safetensors");
        for (int step = 0; step < 20; step++)
        {
            theirs.zero_grad();
            Tensor loss = Loss(theirs, step);
            loss.backward();
            double norm = nn.utils.clip_grad_norm_(theirs.parameters(), 3);
            reference.step();
            ParameterUpdate update = optimizer.Minimise(Loss(ours, step), 3);
            Assert.Equal(norm, update.GradientNorm, 1e-6 * norm);
            Assert.All(theirs.Weight.data<float>().ToArray().Zip(ours.Weight.data<float>().ToArray()),
                pair => Assert.Equal(pair.First, pair.Second, 2e-6f));
            SafetensorsFile.Write(file, optimizer.Entries());
            optimizer.Dispose();
            optimizer = new AdamOptimizer(ours, 0.1, 0.5, weightDecay);
            optimizer.Load(SafetensorsFile.Read(file));
        }

        optimizer.Dispose();

        static Tensor Loss(OneWeight module, int step) => ((module.Weight - step) * (module.Weight - step) * tensor([1f, 0.01f])).sum();
    }

    private sealed class OneWeight : nn.Module
    {
        private readonly Parameter _weight;

        public OneWeight()
            : base(nameof(OneWeight))
        {
            _weight = new Parameter(tensor([1f, -2]).view(1, 2));
            RegisterComponents();
        }

        public Parameter Weight => _weight;
    }
}
