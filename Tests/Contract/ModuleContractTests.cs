using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>Registration, names, modes and the layers of the subset.</summary>
public sealed class ModuleContractTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Parameters_are_named_after_their_fields_own_first_then_submodules_in_order()
    {
        using var model = new Model();
        Assert.Equal(
            ["scale", "table.weight", "cell.weight_ih", "cell.weight_hh", "cell.bias_ih", "cell.bias_hh", "convolution.weight", "convolution.bias", "head.projection.weight", "head.projection.bias"],
            model.named_parameters().Select(named => named.name));
        Assert.Equal(["scale"], model.named_parameters(recurse: false).Select(named => named.name));
        Assert.Equal(["mask", "head.running"], model.named_buffers().Select(named => named.name));
        Assert.Equal(model.named_parameters().Select(named => named.name).Concat(["mask", "head.running"]), model.state_dict().Keys);
        Assert.Equal(["table", "cell", "convolution", "head"], model.named_children().Select(named => named.name));
        Assert.Equal(10, model.parameters().Count());
        Assert.Same(model.scale, model.parameters(recurse: false).Single());
        Assert.Equal("Model", model.GetName());
        Assert.Same(model.state_dict()["scale"], model.scale);
        Numbers.HasShape([2, 3], model.get_parameter("head.projection.weight")!);
        Assert.Null(model.get_parameter("head.nothing"));
    }

    [Fact]
    public void What_a_parameter_holds_is_what_training_changes()
    {
        using var model = new Model();
        using (no_grad())
        {
            model.get_parameter("head.projection.bias")!.fill_(7);
        }

        Numbers.AreClose([7, 7], model.state_dict()["head.projection.bias"]);
    }

    [Fact]
    public void A_name_can_be_given_by_attribute_and_taken_only_once()
    {
        using var named = new Named();
        Assert.Equal(["other.weight", "late.weight"], named.named_parameters().Select(one => one.name));
        Assert.Throws<InvalidOperationException>(() => named.register_module("late", nn.Linear(1, 1, hasBias: false)));
        Assert.Throws<ArgumentException>(() => named.register_module("with.dot", nn.Linear(1, 1, hasBias: false)));
        named.register_parameter("loose", new Parameter(zeros([1])));
        Assert.Throws<InvalidOperationException>(() => named.register_parameter("loose", new Parameter(zeros([1]))));
        named.register_buffer("kept", zeros([1]));
        Assert.Throws<InvalidOperationException>(() => named.register_buffer("kept", zeros([1])));
    }

    [Fact]
    public void Fields_of_base_classes_are_registered_after_those_of_the_class_itself()
    {
        using var derived = new Derived();
        Assert.Equal(["own.weight", "inherited.weight"], derived.named_parameters().Select(named => named.name));
    }

    [Fact]
    public void A_submodule_that_did_not_register_its_components_is_made_to_when_it_is_registered()
    {
        using var holder = new Holder();
        Assert.Equal(["forgetful.inner.weight"], holder.named_parameters().Select(named => named.name));
    }

    [Fact]
    public void A_shared_parameter_is_named_once()
    {
        using var tied = new Tied();
        Assert.Equal(["first.weight"], tied.named_parameters().Select(named => named.name));
    }

    [Fact]
    public void Training_mode_reaches_every_submodule()
    {
        using var model = new Model();
        Assert.True(model.training);
        model.eval();
        Assert.False(model.training);
        Assert.All(model.named_children(), child => Assert.False(child.module.training));
        model.train();
        Assert.True(model.training);
        Assert.All(model.named_children(), child => Assert.True(child.module.training));
    }

    [Fact]
    public void Gradients_are_cleared_to_null_or_to_zero()
    {
        using nn.Module<Tensor, Tensor> linear = nn.Linear(2, 1);
        linear.call(ones([1, 2])).sum().backward();
        Assert.All(linear.parameters(), parameter => Assert.NotNull(parameter.grad));
        linear.zero_grad(set_to_none: false);
        Assert.All(linear.parameters(), parameter => Assert.Equal(0f, parameter.grad!.abs().sum().item<float>()));
        linear.zero_grad();
        Assert.All(linear.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Layers_built_inside_a_scope_outlive_it_and_free_their_memory_when_disposed()
    {
        NativeMemory.StaysFlat(5, () =>
        {
            Model model;
            using (NewDisposeScope())
            {
                model = new Model();
            }

            Assert.All(model.state_dict().Values, one => Assert.False(one.IsInvalid));
            Parameter[] parameters = [.. model.parameters()];
            model.Dispose();
            Assert.All(parameters, one => Assert.True(one.IsInvalid));
        });
    }

    [Fact]
    public void Moving_to_the_device_where_a_module_is_changes_nothing()
    {
        using var model = new Model();
        Parameter before = model.scale;
        Assert.Same(model, model.to(CPU));
        Assert.Same(before, model.scale);
    }

    [Fact]
    public void A_linear_layer_starts_within_its_bound_and_computes_a_matrix_product()
    {
        manual_seed(1);
        using Linear layer = nn.Linear(400, 50);
        Numbers.HasShape([50, 400], layer.weight!);
        Numbers.HasShape([50], layer.bias!);
        IsUniform(layer.weight!, 0.05);
        Assert.True(layer.bias!.abs().max().item<float>() <= 0.05f);
        Tensor input = randn([3, 400]);
        Tensor byHand = input.to(ScalarType.Float64).matmul(layer.weight!.to(ScalarType.Float64).t()) + layer.bias!.to(ScalarType.Float64);
        Numbers.AreClose(Numbers.Of(byHand), layer.call(input), 1e-5);
        using Linear bare = nn.Linear(2, 2, hasBias: false);
        Assert.Null(bare.bias);
        Assert.Single(bare.parameters());
    }

    [Fact]
    public void An_embedding_starts_standard_normal_and_looks_rows_up()
    {
        manual_seed(2);
        using Embedding table = nn.Embedding(500, 40);
        Numbers.HasShape([500, 40], table.weight!);
        Assert.InRange(table.weight!.mean().item<float>(), -0.04f, 0.04f);
        Assert.InRange(table.weight!.var().item<float>(), 0.96f, 1.04f);
        Tensor ids = tensor([7L, 0L, 7L], [1, 3]);
        Tensor rows = table.call(ids);
        Numbers.HasShape([1, 3, 40], rows);
        Assert.Equal(Numbers.Of(table.weight![7]), Numbers.Of(rows[0, 2]));
        rows.sum().backward();
        double[] gradient = Numbers.Of(table.weight!.grad!.select(1, 0));
        Assert.Equal([1.0, 2.0], new[] { gradient[0], gradient[7] });
        Assert.Equal(3, gradient.Sum());
    }

    [Fact]
    public void A_convolution_starts_within_its_bound_and_slides_its_filters()
    {
        manual_seed(3);
        using Conv1d layer = nn.Conv1d(20, 30, 5);
        Numbers.HasShape([30, 20, 5], layer.weight!);
        Numbers.HasShape([30], layer.bias!);
        IsUniform(layer.weight!, 0.1);
        Tensor input = randn([2, 20, 9]);
        Tensor output = layer.call(input);
        Numbers.HasShape([2, 30, 5], output);
        double[] x = Numbers.Of(input), w = Numbers.Of(layer.weight!), b = Numbers.Of(layer.bias!), y = Numbers.Of(output);
        foreach ((int batch, int filter, int place) in new[] { (0, 0, 0), (1, 29, 4), (1, 7, 2) })
        {
            double expected = b[filter];
            for (int channel = 0; channel < 20; channel++)
            {
                for (int offset = 0; offset < 5; offset++)
                {
                    expected += w[(((filter * 20) + channel) * 5) + offset] * x[(((batch * 20) + channel) * 9) + place + offset];
                }
            }

            Assert.Equal(expected, y[(((batch * 30) + filter) * 5) + place], 1e-4);
        }
    }

    [Fact]
    public void An_LSTM_cell_is_Hochreiter_and_Schmidhubers_with_gates_in_PyTorchs_order()
    {
        manual_seed(4);
        const int Inputs = 3, Hidden = 4;
        using LSTMCell cell = nn.LSTMCell(Inputs, Hidden);
        Numbers.HasShape([16, 3], cell.weight_ih!);
        Numbers.HasShape([16, 4], cell.weight_hh!);
        Numbers.HasShape([16], cell.bias_ih!);
        Numbers.HasShape([16], cell.bias_hh!);
        Assert.All(cell.parameters(), parameter => Assert.True(parameter.abs().max().item<float>() <= 0.5f));
        Tensor input = randn([2, Inputs]), h = randn([2, Hidden]), c = randn([2, Hidden]);
        (Tensor nextH, Tensor nextC) = cell.call(input, (h, c));
        (double[] expectedH, double[] expectedC) = Step(cell, Numbers.Of(input), Numbers.Of(h), Numbers.Of(c), 2, Inputs, Hidden);
        Numbers.AreClose(expectedH, nextH, 1e-6);
        Numbers.AreClose(expectedC, nextC, 1e-6);

        (Tensor firstH, Tensor firstC) = cell.call(input);
        (expectedH, expectedC) = Step(cell, Numbers.Of(input), new double[8], new double[8], 2, Inputs, Hidden);
        Numbers.AreClose(expectedH, firstH, 1e-6);
        Numbers.AreClose(expectedC, firstC, 1e-6);
        using LSTMCell wide = nn.LSTMCell(100, 100);
        IsUniform(wide.weight_ih!, 0.1);
        IsUniform(wide.weight_hh!, 0.1);
    }

    [Fact]
    public void Modules_of_ones_own_are_called_with_one_or_two_arguments()
    {
        using var head = new Head();
        Numbers.HasShape([1, 2], head.call(ones([1, 3])));
        using var pair = new Pair();
        Numbers.AreClose([3, 3], pair.call(ones([2]), full([2], 2.0)));
        Numbers.AreClose([3, 3], pair.forward(ones([2]), full([2], 2.0)));
    }

    private static void IsUniform(Tensor weights, double bound)
    {
        Assert.InRange(weights.max().item<float>(), bound * 0.98, bound);
        Assert.InRange(weights.min().item<float>(), -bound, -bound * 0.98);
        Assert.InRange(weights.var().item<float>(), bound * bound / 3 * 0.93, bound * bound / 3 * 1.07);
    }

    private static (double[] Hidden, double[] Cell) Step(LSTMCell cell, double[] x, double[] h, double[] c, int batch, int inputs, int hidden)
    {
        double[] fromInput = Numbers.Of(cell.weight_ih!), fromHidden = Numbers.Of(cell.weight_hh!), bias = Numbers.Of(cell.bias_ih! + cell.bias_hh!);
        double[] nextH = new double[batch * hidden], nextC = new double[batch * hidden];
        for (int b = 0; b < batch; b++)
        {
            for (int unit = 0; unit < hidden; unit++)
            {
                double Gate(int number)
                {
                    int row = (number * hidden) + unit;
                    double sum = bias[row];
                    for (int k = 0; k < inputs; k++)
                    {
                        sum += fromInput[(row * inputs) + k] * x[(b * inputs) + k];
                    }

                    for (int k = 0; k < hidden; k++)
                    {
                        sum += fromHidden[(row * hidden) + k] * h[(b * hidden) + k];
                    }

                    return sum;
                }

                int place = (b * hidden) + unit;
                nextC[place] = (Logistic(Gate(1)) * c[place]) + (Logistic(Gate(0)) * Math.Tanh(Gate(2)));
                nextH[place] = Logistic(Gate(3)) * Math.Tanh(nextC[place]);
            }
        }

        return (nextH, nextC);
    }

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    private sealed class Model : nn.Module
    {
        public readonly Embedding table = nn.Embedding(5, 3);
        public readonly LSTMCell cell = nn.LSTMCell(3, 4);
        public readonly Parameter scale = new(ones([1]));
        public readonly Tensor mask = zeros([5]);
        public readonly Conv1d convolution = nn.Conv1d(3, 2, 2);
        public readonly Head head = new();

        public Model()
            : base(nameof(Model)) => RegisterComponents();
    }

    private sealed class Head : nn.Module<Tensor, Tensor>
    {
        public readonly Linear projection = nn.Linear(3, 2);
        public readonly Tensor running = zeros([2]);

        public Head()
            : base(nameof(Head)) => RegisterComponents();

        public override Tensor forward(Tensor input) => projection.call(input) + running;
    }

    private sealed class Pair() : nn.Module<Tensor, Tensor, Tensor>(nameof(Pair))
    {
        public override Tensor forward(Tensor input1, Tensor input2) => input1 + input2;
    }

    private sealed class Named : nn.Module
    {
        [ComponentName(Name = "other")]
        public readonly Linear field = nn.Linear(1, 1, hasBias: false);

        public Named()
            : base(nameof(Named))
        {
            RegisterComponents();
            register_module("late", nn.Linear(1, 1, hasBias: false));
            RegisterComponents();
        }
    }

    private abstract class Base(string name) : nn.Module(name)
    {
        protected readonly Linear inherited = nn.Linear(1, 1, hasBias: false);
    }

    private sealed class Derived : Base
    {
        public readonly Linear own = nn.Linear(1, 1, hasBias: false);

        public Derived()
            : base(nameof(Derived)) => RegisterComponents();
    }

    private sealed class Forgetful() : nn.Module(nameof(Forgetful))
    {
        public readonly Linear inner = nn.Linear(1, 1, hasBias: false);
    }

    private sealed class Holder : nn.Module
    {
        public readonly Forgetful forgetful = new();

        public Holder()
            : base(nameof(Holder)) => RegisterComponents();
    }

    private sealed class Tied : nn.Module
    {
        public readonly Linear first = nn.Linear(1, 1, hasBias: false);
        public readonly Linear second;

        public Tied()
            : base(nameof(Tied))
        {
            second = first;
            RegisterComponents();
        }
    }
}
